# Saves backups every night with Task Scheduler. Fill in the four settings, then run this once, as administrator:
#   powershell -ExecutionPolicy Bypass -File nightly.ps1 -Register
# Without -Register it does what the task does: up to four tries, 15 minutes apart, while save ends with exit code 75
# ("worth another try"); after a success, and only then, it tells the health check. It ends with the exit code of save.
param([switch] $Register)
$ErrorActionPreference = 'Stop'

$save = 'save orders --keep 14'
$env:MONGODB_ATLAS_CLIENT_ID = 'mdb_sa_id_...'
$env:MONGODB_ATLAS_CLIENT_SECRET_FILE = "$env:USERPROFILE\.atlas-flex-secret"
$healthCheck = 'https://health.example.com/ping/...'

$server = Join-Path $PSScriptRoot '..\..\dist\atlas-flex-snapshots-mcp.js'
$log = Join-Path $env:USERPROFILE 'atlas-flex.log'

if ($Register) {
  $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument "-NoProfile -ExecutionPolicy Bypass -File `"$PSCommandPath`""
  $trigger = New-ScheduledTaskTrigger -Daily -At '05:17'
  # S4U: the task runs whether or not you are signed in, and Windows stores no password.
  $principal = New-ScheduledTaskPrincipal -UserId "$env:USERDOMAIN\$env:USERNAME" -LogonType S4U
  # StartWhenAvailable: a run that was missed, because the computer was off or asleep, is made up for.
  $settings = New-ScheduledTaskSettingsSet -StartWhenAvailable -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries `
    -MultipleInstances IgnoreNew -ExecutionTimeLimit (New-TimeSpan -Hours 6)
  Register-ScheduledTask -TaskName 'atlas-flex' -Action $action -Trigger $trigger -Principal $principal -Settings $settings -Force
  exit 0
}

$node = (Get-Command node.exe).Source
for ($try = 1; ; $try++) {
  # Windows PowerShell would turn each line on standard error into an error of its own; cmd.exe only writes it down.
  cmd.exe /d /c "`"$node`" `"$server`" $save >> `"$log`" 2>&1"
  $code = $LASTEXITCODE
  if ($code -ne 75 -or $try -eq 4) { break }
  Start-Sleep -Seconds 900
}
Add-Content -Path $log -Value "$(Get-Date -Format s): save ended with exit code $code."

if ($code -eq 0 -and $healthCheck) {
  curl.exe --fail --silent --retry 3 --max-time 30 --output NUL $healthCheck
  if ($LASTEXITCODE -ne 0) { Add-Content -Path $log -Value 'The backup is saved, but the health check could not be told.' }
}
exit $code
