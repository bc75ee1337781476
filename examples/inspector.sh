#!/usr/bin/env bash
# Lists backups, saves one and checks the file, with the MCP Inspector and the simulator. npx needs a network.
# Each call starts a new process, as a cron job would. The calls work together because the simulator's ids are always the
# same and because the saved file stays in the folder. Usage: examples/inspector.sh [folder]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-$(mktemp -d)}
group=5fa1000000000000000000b1
snapshot=5fa1000000000000000000c8

# The Inspector needs Node.js 22.19 or newer, so npx brings one along. With --tool-args-json, ids remain strings.
call() {
  npx -y --loglevel=error -p node@24 -p @modelcontextprotocol/inspector@2.12.0 mcp-inspector --cli \
    -e "ATLAS_FLEX_DOWNLOAD_DIR=$folder" -e ATLAS_FLEX_LOG_LEVEL=warn \
    node dist/atlas-flex-snapshots-mcp.js --simulate \
    --method tools/call --tool-name "$1" --tool-args-json "$2" --format json
  echo
}

call list_flex_clusters '{"name":"orders"}'
call list_flex_snapshots "{\"groupId\":\"$group\",\"name\":\"orders\"}"

# A job of this snapshot is complete at once, so the answer has the link. This call saves no file.
call request_flex_snapshot_download "{\"groupId\":\"$group\",\"name\":\"orders\",\"snapshotId\":\"5fa1000000000000000000c7\"}"
# This job exists from the start.
call get_restore_job "{\"groupId\":\"$group\",\"name\":\"orders\",\"restoreJobId\":\"5fa1000000000000000000e7\"}"

# Requests a link, waits for it, downloads and checks. A large file takes several calls: repeat the call until state is complete.
call save_flex_snapshot "{\"groupId\":\"$group\",\"name\":\"orders\",\"snapshotId\":\"$snapshot\",\"waitSeconds\":40}"
call list_saved_snapshots '{}'

saved=$(ls "$folder"/simulated/*"$snapshot".tgz)
call verify_saved_snapshot "{\"fileName\":\"$(basename "$saved")\"}"

echo "Saved: $saved"
