"""A person's program, with OpenAI's own library: `client.py URL KEY` prints what became of one chat as JSON."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
try:
    said = client.chat.completions.create(model="small", messages=[{"role": "user", "content": "a secret question"}])
except openai.APIStatusError as error:
    answer = {"error": type(error).__name__, "retry_after": error.response.headers.get("retry-after")}
else:
    answer = {"prompt": said.usage.prompt_tokens, "completion": said.usage.completion_tokens}
sys.stdout.write(json.dumps(answer))
