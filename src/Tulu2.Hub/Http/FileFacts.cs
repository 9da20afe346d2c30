using System.Text.RegularExpressions;

namespace Tulu2.Hub.Http;

/// <summary>What the hub says about a file's content.</summary>
/// <param name="Path">In the repository.</param>
/// <param name="Etag">Its hash in lower-case hexadecimal: SHA-256 (64 digits) for large files, git's SHA-1 of a blob (40) for others. The name of its
/// blob.</param>
/// <param name="Size">Bytes.</param>
internal sealed partial record FileFacts(string Path, string Etag, long Size)
{
    /// <summary>Whether the headers have the facts; a redirect to the content has them too, and need not be followed.</summary>
    public static bool AreIn(HttpResponseMessage response) => HubAnswer.Header(response, "X-Linked-Etag") is not null
        && HubAnswer.Header(response, "X-Linked-Size") is not null;

    /// <returns>Null: size or hash are missing, or it is not the file of that commit.</returns>
    public static FileFacts? Read(string path, HttpResponseMessage response, string commit)
    {
        var etag = Normalized(HubAnswer.Header(response, "X-Linked-Etag") ?? HubAnswer.Header(response, "ETag"));
        var size = long.TryParse(HubAnswer.Header(response, "X-Linked-Size"), out var linked) ? linked : response.Content.Headers.ContentLength;
        var isOfCommit = (HubAnswer.Header(response, "X-Repo-Commit") ?? commit) == commit;
        return isOfCommit && etag is not null && Hash().IsMatch(etag) && size is >= 0 and { } bytes ? new FileFacts(path, etag, bytes) : null;
    }

    /// <summary>The tag without its quotes and its mark of weakness.</summary>
    internal static string? Normalized(string? etag) => (etag?.StartsWith("W/", StringComparison.Ordinal) == true ? etag[2..] : etag)?.Trim('"');

    [GeneratedRegex(@"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\z")]
    private static partial Regex Hash();
}
