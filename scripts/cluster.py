"""Start the whole cluster on this machine, say how to reach it, and keep it up."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.cluster.cluster import Cluster, missing_programs

READY = """
  S3 and REST  {url}  (console at {url}/admin/)
  API key      {api_key}
  Access key   {access_key_id}
  Secret key   {secret_access_key}
  Logs         {folder}

  What ends is started again. Ctrl-C ends it all and removes its folder.
"""


def main() -> None:
    missing = missing_programs()
    if missing:
        sys.exit(f"These are missing: apt-get install {' '.join(missing)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Cluster(OBJECTSTORE_LIFECYCLE_DAY_SECONDS="86400") as cluster:
        for service in cluster.services:
            print(f"  {service.name:12} process {service.process_id}")
        print(READY.format(**vars(type(cluster)), **vars(cluster)), flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
