using Tulu2.Files;

namespace Tulu2.Mixtures.Copies;

/// <summary>Files that get their names one after the other, once all of them are whole; until then they are parts beside those names.</summary>
internal sealed class PendingFiles : IDisposable
{
    private readonly List<(string Part, string Path, FileStream Stream)> _files = [];

    /// <summary>A new file; <see cref="Finish"/> closes it.</summary>
    /// <exception cref="BadInputException">Its folder cannot be written.</exception>
    public Stream Create(string path)
    {
        var full = Path.GetFullPath(path);
        Check(full);
        var folder = Path.GetDirectoryName(full)!;
        var part = Path.Combine(folder, $".{Guid.NewGuid():N}{AtomicFile.PartSuffix}");
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.RemoveLeftovers(folder);
            _files.Add((part, full, new FileStream(part, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20)));
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException || failure is IOException && DiskFault.AsBadInput(failure) is null)
        {
            throw new BadInputException(path, $"cannot be written: {FaultText.Of(failure)}", "correct the path or its permissions", failure);
        }
        return _files[^1].Stream;
    }

    public static void Finish(Stream stream)
    {
        ((FileStream)stream).Flush(flushToDisk: true);
        stream.Dispose();
    }

    /// <summary>All of them are finished.</summary>
    /// <exception cref="BadInputException">One of the names belongs to a directory by now; none is given then.</exception>
    public void Publish()
    {
        // Before the first of them has its name.
        foreach (var (_, path, _) in _files) Check(path);
        foreach (var (part, path, _) in _files) AtomicFile.Publish(part, path);
        _files.Clear();
    }

    private static void Check(string path)
    {
        if (Directory.Exists(path)) throw new BadInputException(path, "cannot be written: it is a directory", "name another path, or move the directory away");
    }

    public void Dispose()
    {
        foreach (var (part, _, stream) in _files)
        {
            stream.Dispose();
            File.Delete(part);
        }
    }
}
