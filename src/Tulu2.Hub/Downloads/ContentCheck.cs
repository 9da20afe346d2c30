using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tulu2.Hub.Downloads;

/// <summary>
/// Checks content against the hub's tag of it: SHA-256, or the SHA-1 that git names a blob by, which begins with the word, the length and a zero byte (git's
/// hash-object).
/// </summary>
internal sealed class ContentCheck : IDisposable
{
    private const int Sha256Digits = 64;

    private readonly string _etag;
    private readonly IncrementalHash _hash;

    public ContentCheck(string etag, long size)
    {
        _etag = etag;
        var isSha256 = etag.Length == Sha256Digits;
        _hash = IncrementalHash.CreateHash(isSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (!isSha256) _hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {size}\0")));
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>Whether what was appended is the content. To be asked once.</summary>
    public bool Matches() => Convert.ToHexStringLower(_hash.GetHashAndReset()) == _etag;

    /// <summary>Whether a file has the content that a tag names.</summary>
    public static bool Matches(string path, string etag)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
        using var check = new ContentCheck(etag, file.Length);
        var buffer = new byte[1 << 20];
        while (file.Read(buffer) is > 0 and var count) check.Append(buffer.AsSpan(0, count));
        return check.Matches();
    }

    public void Dispose() => _hash.Dispose();
}
