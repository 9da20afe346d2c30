namespace Tulu2.Data.Rows.Records;

/// <summary>A packed file (gzip, zstd) is damaged.</summary>
/// <param name="trusted">Number of unpacked bytes, from the start, that can be trusted.</param>
/// <param name="verified">How many of them a checksum covers.</param>
internal sealed class PackedDamageException(string what, long trusted, long verified) : IOException(what)
{
    public long Trusted { get; } = trusted;
    public long Verified { get; } = verified;
}
