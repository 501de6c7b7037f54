"""How our own clients ask for answers in our own form, whatever the fields are called for old ones."""

NATIVE = "application/vnd.captcha-foundry+json"
"""As the header Accept: no renamed fields, and errors with their statuses of HTTP."""
