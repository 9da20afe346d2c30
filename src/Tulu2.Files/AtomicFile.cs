using System.Runtime.InteropServices;
using System.Text;

namespace Tulu2.Files;

/// <summary>
/// Files that are either whole or absent: written beside their place, flushed to the device, then renamed onto it.
/// </summary>
public static class AtomicFile
{
    /// <summary>Suffix of files under construction; whoever lists a directory skips them, and <see cref="RemoveLeftovers"/> deletes them.</summary>
    public const string PartSuffix = ".part";

    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>. On any failure the final name is untouched and the part is gone.</summary>
    /// <exception cref="IOException">The disk is full or the directory cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(full)!;
        Directory.CreateDirectory(directory);
        var part = Path.Combine(directory, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}{PartSuffix}");
        try
        {
            using (var stream = new FileStream(part, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(part, full, overwrite: true);
            FlushDirectory(directory);
        }
        catch
        {
            try { File.Delete(part); } catch (IOException) { /* the first failure is the one to report */ }
            throw;
        }
    }

    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes) =>
        Write(path, stream => stream.Write(bytes.Span));

    /// <summary>Deletes parts that a killed process left in <paramref name="directory"/>; does nothing where it does not exist.</summary>
    public static void RemoveLeftovers(string directory)
    {
        if (!Directory.Exists(directory)) return;
        foreach (var part in Directory.EnumerateFiles(directory, $".*{PartSuffix}")) File.Delete(part);
    }

    // A rename is durable only once its directory is; .NET has no call for that.
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
