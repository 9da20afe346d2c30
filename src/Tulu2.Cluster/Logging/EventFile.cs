using System.Text.Json;
using Akka.Actor;

namespace Tulu2.Cluster.Logging;

/// <summary>
/// <c>events.jsonl</c> of the current run: one line of JSON an event, for people. Without a run, they go to a callback of the process: the console belongs
/// to the command line. Everything is written on a thread of its own, in order: actors log, and must not wait for a disk.
/// </summary>
internal sealed class EventFile : IExtension
{
    // For people only: a line that cannot be written is lost. A full disk ends the run where it matters, at the ledger or a checkpoint.
    private readonly DedicatedThread _writing = new("event file", _ => { });

    // The thread's own.
    private readonly RepeatFilter _repeats = new();
    private StreamWriter? _writer;

    private EventFile(ActorSystem system) => system.RegisterOnTermination(_writing.Dispose);

    public static EventFile For(ActorSystem system) => system.WithExtension<EventFile, Provider>();

    /// <summary>Receives lines while no run is attached, on the thread that writes; the same text at most once a minute. Null: they are dropped.</summary>
    public Action<string>? Otherwise { get; set; }

    /// <summary>From now on lines are appended to this file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Attach(string path)
    {
        // Unbuffered: what a full disk refused would be thrown again when the file is closed.
        var writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)) { AutoFlush = true };
        _ = WriteToAsync(writer);
    }

    /// <summary>Completes when every line of the run is in its file and the file is closed.</summary>
    public Task DetachAsync() => WriteToAsync(null);

    /// <summary>Completes when the actor system has ended and everything is written.</summary>
    public Task Completion => _writing.Completion;

    /// <summary>Does not wait. Callable from any thread.</summary>
    public void Write(string level, string source, string text)
    {
        var time = DateTimeOffset.UtcNow;
        _ = Post(() => Append(time, level, source, text));
    }

    private Task WriteToAsync(StreamWriter? writer)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isTaken = Post(() =>
        {
            _writer?.Dispose();
            _writer = writer;
            done.TrySetResult();
        });
        if (isTaken) return done.Task;
        // The thread ends with the actor system, once it has written what it had.
        writer?.Dispose();
        return _writing.Completion.ContinueWith(_ => _writer?.Dispose(), TaskScheduler.Default);
    }

    // False: the actor system has ended.
    private bool Post(Action work)
    {
        try
        {
            _writing.Post(work);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private void Append(DateTimeOffset time, string level, string source, string text)
    {
        if (_writer is null)
        {
            if (Otherwise is not null && _repeats.IsNew(text)) Otherwise($"{level}: {text}");
            return;
        }
        _writer.WriteLine(JsonSerializer.Serialize(new { time, level, source, text }));
    }

    public sealed class Provider : ExtensionIdProvider<EventFile>
    {
        public override EventFile CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
