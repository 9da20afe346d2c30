namespace Tulu2.Files;

/// <summary>Length of a file's content.</summary>
public static class FileLength
{
    /// <summary>
    /// Bytes of the file, through symbolic links: <see cref="FileInfo.Length"/> gives a link's own length, and all weights
    /// in the Hugging Face cache are links.
    /// </summary>
    /// <exception cref="IOException">There is no such file, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static long Of(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return RandomAccess.GetLength(file);
    }
}
