using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Tulu2.Cluster.Logging;

/// <summary>Takes the actor system's log to <see cref="EventFile"/>.</summary>
internal sealed class EventFileLogger : UntypedActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                break;
            case LogEvent entry:
                var text = entry.Cause is null ? $"{entry.Message}" : $"{entry.Message}: {entry.Cause}";
                EventFile.For(Context.System).Write(entry.LogLevel().ToString().Replace("Level", "").ToLowerInvariant(), entry.LogSource, text);
                break;
        }
    }
}
