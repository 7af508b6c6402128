/** One number or several that are read when somebody asks. https://prometheus.io/docs/concepts/metric_types/ */
export interface Metric {
  /** With its unit at the end, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** A number, or one for each value of a label. */
  readonly read: () => number | Labelled;
}

/** Numbers by the value of one label. */
export interface Labelled {
  readonly label: string;
  readonly values: ReadonlyMap<string, number>;
}
