"""Ask a model and report its usage; needs OPENAI_BASE_URL, OPENAI_API_KEY, PORTAL_URL and PORTAL_API_KEY."""

from openai import OpenAI
from portal_usage import report

response = OpenAI().chat.completions.create(
    model="qwen3:32b", messages=[{"role": "user", "content": "What is a mixture of experts?"}]
)
print(response.choices[0].message.content)
report(response)
