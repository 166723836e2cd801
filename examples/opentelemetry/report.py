"""Ask a model, and report the usage to MoE Portal with OpenTelemetry: numbers only, no prompts and answers.

    pip install httpx opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
    export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:8080/api/v1/otlp/v1/traces
    export OTEL_EXPORTER_OTLP_TRACES_HEADERS=Authorization=Bearer%20moe-sk-…       # your API key
    export OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=sk-…
    python report.py gpt-4o-mini "How does a span end?"

A program that already has instrumentation by OpenTelemetry, OpenLLMetry or OpenInference needs no code, only the two
lines that begin with OTEL_. If it would use gRPC, it also needs:

    export OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf

A gateway sends its own token, moe-gw-…, and names the owner of the request on each span: `portal.api_key_hash`, the
SHA-256 of the key in hexadecimal, or `portal.username`. Spans need no prompts and answers: the portal stores none.
"""

import os
import sys

import httpx
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

BASE = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
HEADERS = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}


def ask(model: str, question: str) -> str:
    """Return the answer of a model; the span has the model that answered, and the numbers of tokens."""
    tracer = trace.get_tracer("report")
    with tracer.start_as_current_span(f"chat {model}", kind=trace.SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": model})
        body = {"model": model, "messages": [{"role": "user", "content": question}]}
        response = httpx.post(f"{BASE}/chat/completions", json=body, headers=HEADERS, timeout=120)
        if response.is_error:
            span.set_attribute("error.type", str(response.status_code))
        answer = response.raise_for_status().json()
        span.set_attribute("gen_ai.response.id", answer["id"])
        span.set_attribute("gen_ai.response.model", answer["model"])
        span.set_attribute("gen_ai.usage.input_tokens", answer["usage"]["prompt_tokens"])
        span.set_attribute("gen_ai.usage.output_tokens", answer["usage"]["completion_tokens"])
        return answer["choices"][0]["message"]["content"]


if __name__ == "__main__":
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    print(ask(*sys.argv[1:3]))
    provider.shutdown()  # sends the spans that still wait
