using System.Text;
using Microsoft.Win32.SafeHandles;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>The log on disk, open for appending by one process. Not thread-safe.</summary>
internal sealed class LedgerFile : IDisposable
{
    /// <summary>Held by the process that writes; the system gives it back when that process dies.</summary>
    private const string LockName = ".lock";

    private readonly string _directory;
    private readonly FileStream _lock;
    private readonly FileStream _stream;
    private readonly SafeFileHandle _handle;
    private string _sum;

    private LedgerFile(string directory, FileStream held, FileStream stream, LedgerState state, string sum) =>
        (_directory, _lock, _stream, _handle, State, _sum) = (directory, held, stream, stream.SafeFileHandle, state, sum);

    /// <summary>What was found altered when the log was opened, and where the file as it was is now; null: nothing.</summary>
    public (string Why, string SetAside)? Damaged { get; private init; }

    /// <summary>All that the log says, up to the last append.</summary>
    public LedgerState State { get; private set; }

    /// <summary>Opens the log, or begins one; a torn end is cut off. Of one that was altered the entries before are kept, and the file is kept beside it.</summary>
    /// <exception cref="BadInputException">The directory cannot be written, or another process has the log.</exception>
    public static LedgerFile Open(string directory)
    {
        var held = Hold(directory);
        try
        {
            LockHolder.Write(directory, TimeProvider.System.GetUtcNow());
            return Open(Path.Combine(directory, LedgerReader.FileName), held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Takes the lock, until the stream is disposed of.</summary>
    /// <exception cref="BadInputException">The directory cannot be written, or another process has the log.</exception>
    internal static FileStream Hold(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
            return new FileStream(Path.Combine(directory, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new BadInputException(directory, "cannot be written", "choose a run directory that you may write", fault);
        }
        catch (IOException fault)
        {
            if (LockHolder.Read(directory) is not { } holder)
                throw new BadInputException(
                    directory, $"cannot be taken: {FaultText.Of(fault)}", "see that no other process runs in this directory, and that its disk has space", fault);
            throw new BadInputException(directory, $"cannot be taken: {FaultText.Of(fault)} ({holder})",
                $"wait for the end of process {holder.Process} on {holder.Host}, or end it, or name another run directory", fault);
        }
    }

    private static LedgerFile Open(string path, FileStream held)
    {
        // Unbuffered: what a full disk refused would be tried again, and thrown again, when the file is closed.
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            var scan = LedgerReader.Scan(path);
            (string, string)? damaged = scan.Damage is { } damage ? ($"line {damage.Line} {damage.Fault}", SetAside.Copy(path)) : null;
            if (scan.SoundBytes < stream.Length)
            {
                stream.SetLength(scan.SoundBytes);
                stream.Flush(flushToDisk: true);
            }
            stream.Seek(0, SeekOrigin.End);
            return new LedgerFile(Path.GetDirectoryName(path)!, held, stream, scan.Entries.Aggregate(LedgerState.Empty, (state, entry) => state.Apply(entry)), scan.Sum) { Damaged = damaged };
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Appends events and makes them durable together.</summary>
    public void Append(IEnumerable<(LedgerEvent Event, DateTimeOffset Time)> events)
    {
        Write(events);
        Flush();
    }

    /// <summary>Appends events. They outlive this process, and after a <see cref="Flush"/> this machine.</summary>
    public void Write(IEnumerable<(LedgerEvent Event, DateTimeOffset Time)> events)
    {
        var text = new StringBuilder();
        foreach (var (what, time) in events)
        {
            var entry = new LedgerEntry(State.LastNumber + 1, time, what);
            (var line, _sum) = LedgerLine.Write(entry, _sum);
            text.Append(line).Append('\n');
            State = State.Apply(entry);
        }
        _stream.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Makes durable what was written before. Another thread may write meanwhile.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_handle);

    public void Dispose()
    {
        _stream.Dispose();
        LockHolder.Delete(_directory);
        _lock.Dispose();
    }
}
