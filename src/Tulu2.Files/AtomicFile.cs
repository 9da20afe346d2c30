using System.Runtime.InteropServices;
using System.Text;

namespace Tulu2.Files;

/// <summary>
/// Files that are either whole or absent: written under another name, flushed to the device, then renamed.
/// </summary>
public static class AtomicFile
{
    /// <summary>Suffix of unfinished files (parts); listings skip them, and <see cref="RemoveLeftovers"/> deletes abandoned ones.</summary>
    public const string PartSuffix = ".part";

    /// <summary>A part that nobody has locked is a leftover from this age on.</summary>
    public static readonly TimeSpan LeftoverAge = TimeSpan.FromMinutes(10);

    /// <summary>Called on this thread before each thing that is done to the file system. Tests stop a writer here, for good or by an exception.</summary>
    [ThreadStatic]
    internal static Action<FileAct>? Before;

    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>. On any failure the final name is untouched and the part is gone.</summary>
    /// <exception cref="IOException">The disk is full or the directory cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        var name = Path.GetFileName(full);
        WriteNamed(Path.GetDirectoryName(full)!, stream =>
        {
            write(stream);
            return name;
        });
    }

    /// <summary>
    /// As <see cref="Write"/>, for a file whose name (its hash, for example) is known only once it is written: <paramref name="write"/> returns it.
    /// </summary>
    /// <returns>The full path.</returns>
    public static string WriteNamed(string directory, Func<Stream, string> write) => WriteNamed(directory, write, mode: null);

    private static string WriteNamed(string directory, Func<Stream, string> write, UnixFileMode? mode)
    {
        Before?.Invoke(FileAct.Create);
        Directory.CreateDirectory(directory);
        var part = Path.Combine(directory, $".{Guid.NewGuid():N}{PartSuffix}");
        try
        {
            string full;
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 1 << 20 };
            if (mode is not null && !OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
            using (var stream = new FileStream(part, options))
            {
                full = Path.Combine(directory, write(stream));
                Before?.Invoke(FileAct.Flush);
                stream.Flush(flushToDisk: true);
            }
            Publish(part, full);
            return full;
        }
        catch
        {
            try { Discard(part); } catch (Exception fault) when (fault is IOException or UnauthorizedAccessException) { /* the first failure is the one to report */ }
            throw;
        }
    }

    /// <summary>Gives a file its name, in place of one that has it. It was written and flushed to the device under another name of the same file system.</summary>
    public static void Publish(string part, string path)
    {
        Before?.Invoke(FileAct.Rename);
        File.Move(part, path, overwrite: true);
        Before?.Invoke(FileAct.FlushDirectory);
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes a file that only this user can read (mode 0600), at no moment anybody else.</summary>
    public static void WriteSecret(string path, string text)
    {
        var full = Path.GetFullPath(path);
        WriteNamed(Path.GetDirectoryName(full)!, stream =>
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            return Path.GetFileName(full);
        }, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes) =>
        Write(path, stream => stream.Write(bytes.Span));

    /// <summary>
    /// Deletes parts that killed processes left in <paramref name="directory"/>. A living writer of any process has its part locked (FileShare.None: the kernel
    /// drops the lock with the process); the age covers the moment between creating and locking a part, and file systems without locks.
    /// Does nothing where the directory does not exist.
    /// </summary>
    public static void RemoveLeftovers(string directory)
    {
        if (!Directory.Exists(directory)) return;
        foreach (var part in Directory.EnumerateFiles(directory, $".*{PartSuffix}", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(part) < LeftoverAge) continue;
            try
            {
                using (new FileStream(part, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) File.Delete(part);
            }
            catch (IOException)
            {
                // Locked, so that it is being written; or gone by now.
            }
        }
    }

    /// <summary>Deletes a file that may not be there.</summary>
    public static void Delete(string path)
    {
        Before?.Invoke(FileAct.Delete);
        File.Delete(path);
    }

    private static void Discard(string part)
    {
        Before?.Invoke(FileAct.Discard);
        File.Delete(part);
    }

    // A rename is durable only once its directory is flushed; .NET has no call for that.
    private static void FlushDirectory(string directory)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return;
        var descriptor = Native.Open(directory, 0);
        if (descriptor < 0) return;
        _ = Native.Fsync(descriptor);
        _ = Native.Close(descriptor);
    }

    private static class Native
    {
        [DllImport("libc", EntryPoint = "open", SetLastError = true)]
        internal static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
        internal static extern int Fsync(int descriptor);

        [DllImport("libc", EntryPoint = "close", SetLastError = true)]
        internal static extern int Close(int descriptor);
    }
}
