import type { Metric } from "./metric.ts";

export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** Writes metrics as Prometheus reads them. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function toPrometheusText(metrics: readonly Metric[]): string {
  return metrics.map(toText).join("");
}

function toText({ name, help, type, read }: Metric): string {
  const value = read();
  const samples =
    typeof value === "number"
      ? [`${name} ${value}`]
      : [...value.values].map(([of, number]) => `${name}{${value.label}="${escapeLabel(of)}"} ${number}`);
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
