using Akka.Event;

namespace Tulu2.Cluster.Logging;

/// <summary>In place of Akka's logger to standard output, which prints what is logged while a system ends.</summary>
internal sealed class SilentLogger : MinimalLogger
{
    protected override void Log(object message) { }
}
