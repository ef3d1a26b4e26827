"""The security settings as librdkafka's options: the one place where secrets are uncovered."""

from __future__ import annotations

from stream_rcf.settings.security_section import SecuritySettings

PROTOCOL = "security.protocol"


def security_options(security: SecuritySettings) -> dict[str, str]:
    """Return the options for what is set. The result holds secrets in clear: hand it to a client, keep no copy.

    Unset settings give no option, so that ``kafka.properties`` may hold it.
    """
    options = {
        "ssl.ca.location": security.ca_file,
        "ssl.certificate.location": security.certificate_file,
        "ssl.key.location": security.key_file,
        "ssl.key.password": security.key_password.get_secret_value(),
        "sasl.mechanisms": security.sasl_mechanism.upper(),
        "sasl.username": security.username,
        "sasl.password": security.password.get_secret_value(),
        "sasl.oauthbearer.token.endpoint.url": security.oauth_token_url,
        "sasl.oauthbearer.client.id": security.oauth_client_id,
        "sasl.oauthbearer.client.secret": security.oauth_client_secret.get_secret_value(),
        "sasl.oauthbearer.scope": security.oauth_scope,
    }
    if security.protocol != "plaintext":
        options[PROTOCOL] = security.protocol
    if security.oauth_token_url:
        options["sasl.oauthbearer.method"] = (
            "oidc"  # the client fetches tokens itself, and renews them in time
        )
    return {name: value for name, value in options.items() if value}
