"""The development certificate of services that speak HTTPS: made at bring-up, kept in a volume, gone with the run."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"


def certificate_archive(names: Sequence[str], user: str, expires: dt.datetime | None = None) -> bytes:
    """A tar with ca.pem, cert.pem and key.pem for `names` (host names or addresses), valid until `expires`.

    Root owns them: the service of `user` (uid:gid) may read them, its group alone the key, but an attacker in the
    service cannot replace them.
    """
    import trustme  # noqa: PLC0415 - loads a whole library of cryptography, which only a bring-up needs

    authority = trustme.CA(organization_name="Lucid development")
    issued = authority.issue_cert(*names, not_after=expires)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    gid = int(user.partition(":")[2])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content, mode in (
            (AUTHORITY, authority.cert_pem.bytes(), 0o444),
            (CERTIFICATE, chain, 0o444),
            (KEY, issued.private_key_pem.bytes(), 0o440),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.gid = len(content), mode, gid
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
