// The words that the report itself is written in: a cluster with such a name is not in a report because of its name.

/** In lower case. The usual name of the download folder is that of this program. */
export const OWN_WORDS: readonly string[] =
  `a accept access address addresses after again algorithm alive allow although amazon amazonaws an and announce announced
  another answer answered answers api archive are arm as asked asks at atlas authenticate aws azure backup basic be bearer begin
  beginning binary blob body boolean br bson but by byteranges bytes cache caller came catalog cf changed characters chunked
  cloud cloudflare cloudfront code coding collection collections comment complete compressed connection content contents
  continued control cookie credentials damage damaged darwin data dates deflate depth did differs digest digits directories
  directory directoryforindexes directoryperdb document does done embedded empty encoding encryption end ended ends
  enough entries envoy error etag exact expected expires extra failed failure family fields file files final first folder form
  format from gave gib global gnu google googleapis got gzip gzipped h had has have header headers hexadecimal hold holds host html
  http https id ids if in index integrity interruptions is it its java jobs journal js json k kib kind known leads least left
  length lengths like line lines link links linux list lock log long macintosh may mcp md mdbws media members metadata
  mib missing modified mongodb mongodump more ms multipart name names neither network nginx no node none nor not nothing ntfs number
  object objects octet of on once one only operation or origin other others out own page pair part parts path pax plain policy pragma
  program prelude present query range ranges read reading redirect redirects removed request requested requests rest restore result
  retry s same save saved scheduled script security segments sends sent server several sha shown signature signed simulator size
  snapshot snapshots snapshoturl sound source sparse start state status stopped store stored stream string strong sum system tar tell
  text than that the them then there they this time times to try turtle txt type typeflag undefined unix unknown unpacked usable
  user v value values vary version via vnd warning warnings was weak well were what when which who whole win windows wiredtiger
  wiredtigerhs wiredtigerlog with within without word words worth wrong wt x xml zip zstd application array
  before documented for kb know mb gb tb member neither ok ustar always verifiable t z amazons mdb wiredtigerpreplog announces alone flex simulated atlas-flex-snapshots atlas-flex-snapshots-mcp`.split(
    /\s+/,
  );
