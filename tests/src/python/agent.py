"""An agent in Python over grpcio, with nothing of ours but the protocol's descriptors.

Usage: agent.py ADDRESS DESCRIPTOR_SET [CA TOKEN]. With the last two, over TLS and with a bearer token. Registers, publishes, receives, provides a tool, calls it, uses memory, and
prints one JSON object of what it saw.
"""

import json
import queue
import sys
import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "loom.bridge.v1"


def load(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as source:
        files.ParseFromString(source.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def open_channel(address, ca=None, token=None):
    if ca is None:
        return grpc.insecure_channel(address)
    with open(ca, "rb") as source:
        tls = grpc.ssl_channel_credentials(source.read())
    bearer = grpc.access_token_call_credentials(token)
    return grpc.secure_channel(address, grpc.composite_channel_credentials(tls, bearer))


def main(address, descriptors, *credentials):
    message = load(descriptors)
    channel = open_channel(address, *credentials)

    def unary(service, method, request, response):
        return channel.unary_unary(
            f"/{PACKAGE}.{service}/{method}",
            request_serializer=message(request).SerializeToString,
            response_deserializer=message(response).FromString,
        )

    client_event = message("ClientEvent")
    outbound = queue.Queue()
    deliveries = channel.stream_stream(
        f"/{PACKAGE}.BridgeService/Stream",
        request_serializer=client_event.SerializeToString,
        response_deserializer=message("Delivery").FromString,
    )(iter(outbound.get, None))

    event = client_event()
    event.register.agent_id = "python-agent"
    event.register.topics.append("python.**")
    event.register.tools.add(
        name="python:upper", parameters_schema='{"type":"object","required":["text"]}'
    )
    outbound.put(event)
    ack = next(deliveries).ack

    event = client_event()
    event.heartbeat.timestamp_ms = 1
    outbound.put(event)

    event = client_event()
    event.publish.topic = "python.hello"
    event.publish.event.id = "p-1"
    event.publish.event.type = "greeting"
    event.publish.event.payload = b"hello from python"
    outbound.put(event)
    received = next(deliveries).event

    def provide():
        request = next(deliveries).tool_request
        answer = client_event()
        answer.tool_response.ref = request.ref
        text = json.loads(request.call.arguments)["text"]
        answer.tool_response.result.output = json.dumps(text.upper())
        outbound.put(answer)

    provider = threading.Thread(target=provide)
    provider.start()
    call = message("ToolCall")(id="call-1", name="python:upper", arguments='{"text": "loud"}', timeout_ms=5000)
    forward = unary("ActionService", "ForwardToolCall", "ToolCall", "ToolResult")
    result = forward(call, timeout=10)
    provider.join(10)
    missing = forward(message("ToolCall")(name="python:absent"), timeout=10)

    def save(**fields):
        request = message("SavePlanRequest")(session_id="python-agent", **fields)
        request.plan.symbol = "BTC"
        request.plan.action = "BUY"
        request.plan.confidence = 0.85
        return unary("MemoryService", "SavePlan", "SavePlanRequest", "SavePlanResponse")(request, timeout=10)

    saved = save()
    again = save(only_if_new=True)
    mark = message("MarkExecutedRequest")(session_id="python-agent", plan_hash=saved.plan_hash)
    mark_executed = unary("MemoryService", "MarkExecuted", "MarkExecutedRequest", "MarkExecutedResponse")
    first_mark = mark_executed(mark, timeout=10)
    second_mark = mark_executed(mark, timeout=10)
    stats = unary("MemoryService", "GetExecutionStats", "GetExecutionStatsRequest", "GetExecutionStatsResponse")(
        message("GetExecutionStatsRequest")(session_id="python-agent"), timeout=10
    )
    try:
        unary("MemoryService", "SavePlan", "SavePlanRequest", "SavePlanResponse")(
            message("SavePlanRequest")(session_id="python-agent"), timeout=10
        )
        refusal = "none"
    except grpc.RpcError as error:
        refusal = f"{error.code().name}: {error.details()}"

    event = client_event()
    event.goodbye.reason = "done"
    outbound.put(event)
    rest = [delivery.WhichOneof("delivery") for delivery in deliveries]
    outbound.put(None)

    print(
        json.dumps(
            {
                "ack": ack.success,
                "heartbeat_interval_ms": ack.heartbeat_interval_ms,
                "event": [received.id, received.type, received.payload.decode(), dict(received.metadata)],
                "tool": [result.status, result.output, result.id],
                "missing_tool": [missing.status, missing.error.code],
                "saved": saved.success,
                "saved_again": [again.success, again.duplicate_plan.plan_hash == saved.plan_hash],
                "already_executed": [first_mark.already_executed, second_mark.already_executed],
                "stats": [stats.total_executions, stats.duplicate_prevented],
                "refusal": refusal,
                "rest": rest,
                "end": deliveries.code().name,
            }
        )
    )


main(*sys.argv[1:])
