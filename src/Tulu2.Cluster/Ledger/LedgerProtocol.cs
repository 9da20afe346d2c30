using Akka.Actor;

namespace Tulu2.Cluster.Ledger;

/// <summary>To and from the run's ledger, within the coordinator's node.</summary>
internal static class LedgerProtocol
{
    public sealed record Append(LedgerEvent Event) : INoSerializationVerificationNeeded;

    /// <summary>Answer <see cref="Written"/> when all that was appended before outlives this process.</summary>
    public sealed record Write : INoSerializationVerificationNeeded
    {
        public static Write Instance { get; } = new();
    }

    public sealed record Written : INoSerializationVerificationNeeded
    {
        public static Written Instance { get; } = new();
    }

    /// <summary>Answer <see cref="Durable"/> when all that was appended before is on disk.</summary>
    public sealed record Flush(int Tag) : INoSerializationVerificationNeeded;

    public sealed record Durable(int Tag) : INoSerializationVerificationNeeded;

    /// <summary>Write what is left, let go of the file, and answer <see cref="Closed"/>.</summary>
    public sealed record Close : INoSerializationVerificationNeeded
    {
        public static Close Instance { get; } = new();
    }

    public sealed record Closed : INoSerializationVerificationNeeded
    {
        public static Closed Instance { get; } = new();
    }
}
