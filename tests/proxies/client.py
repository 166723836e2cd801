"""A person's program with OpenAI's library: `client.py URL KEY` prints the result of one chat as JSON."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
try:
    response = client.chat.completions.create(
        model="small", messages=[{"role": "user", "content": "a secret question"}]
    )
except openai.APIStatusError as error:
    answer = {"error": type(error).__name__, "retry_after": error.response.headers.get("retry-after")}
else:
    answer = {"prompt": response.usage.prompt_tokens, "completion": response.usage.completion_tokens}
sys.stdout.write(json.dumps(answer))
