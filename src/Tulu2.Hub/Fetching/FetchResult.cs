namespace Tulu2.Hub.Fetching;

/// <summary>What was fetched, or was there.</summary>
/// <param name="Commit">The commit of the files.</param>
/// <param name="Directory">The snapshot's directory, which a model is read from.</param>
/// <param name="Files">Paths in the repository, in ordinal order; each is a file of the directory.</param>
/// <param name="Bytes">Of all of them.</param>
/// <param name="FetchedBytes">Bytes that came over the network now.</param>
public sealed record FetchResult(string Commit, string Directory, IReadOnlyList<string> Files, long Bytes, long FetchedBytes)
{
    /// <summary>Full path of a file.</summary>
    public string PathOf(string file) => Path.Combine([Directory, .. file.Split('/')]);
}
