using System.Text.Json;
using Akka.Actor;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// <c>events.jsonl</c> of the run in hand: what happened, for people. One line of JSON an event. What comes while no run is attached goes to whom the
/// process names, if anybody: the console belongs to the command line.
/// </summary>
internal sealed class EventFile : IExtension
{
    private readonly Lock _gate = new();
    private readonly Repeats _repeats = new();
    private StreamWriter? _writer;

    public static EventFile For(ActorSystem system) => system.WithExtension<EventFile, Provider>();

    /// <summary>Takes what comes while no run is attached; the same words at most once a minute. Null: nobody does.</summary>
    public Action<string>? Otherwise { get; set; }

    /// <summary>From now on lines go to this file, after what it has.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Attach(string path)
    {
        // Unbuffered: what a full disk refused would be thrown again when the file is closed.
        var writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)) { AutoFlush = true };
        lock (_gate)
        {
            _writer?.Dispose();
            _writer = writer;
        }
    }

    public void Detach()
    {
        lock (_gate)
        {
            _writer?.Dispose();
            _writer = null;
        }
    }

    public void Write(string level, string source, string text)
    {
        lock (_gate)
        {
            if (_writer is null)
            {
                if (Otherwise is not null && _repeats.IsNew(text)) Otherwise($"{level}: {text}");
                return;
            }
            try
            {
                _writer.WriteLine(JsonSerializer.Serialize(new { time = DateTimeOffset.UtcNow, level, source, text }));
            }
            catch (IOException)
            {
                // For people only: a full disk ends the run where it matters, at the ledger or a checkpoint.
            }
        }
    }

    public sealed class Provider : ExtensionIdProvider<EventFile>
    {
        public override EventFile CreateExtension(ExtendedActorSystem system) => new();
    }
}
