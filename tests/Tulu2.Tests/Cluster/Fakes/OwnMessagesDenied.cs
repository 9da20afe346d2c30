using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>
/// For tests in which every local message goes through its serializer: a message of ours that is neither of a protocol nor marked as local throws, while the
/// cluster's own local messages, which have no serializer either, go through as they are.
/// </summary>
internal sealed class OwnMessagesDenied(ExtendedActorSystem system, Config config) : Serializer(system)
{
    private static readonly ConcurrentDictionary<long, object> Passing = new();
    private static long _count;

    private readonly Config _ = config;

    public override int Identifier => 1;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        if (obj.GetType().Namespace?.StartsWith("Tulu2", StringComparison.Ordinal) ?? false)
            throw new SerializationException($"{obj.GetType()}: is neither a message between nodes nor marked as local");
        var number = Interlocked.Increment(ref _count);
        Passing[number] = obj;
        return BitConverter.GetBytes(number);
    }

    public override object FromBinary(byte[] bytes, Type type) =>
        Passing.TryRemove(BitConverter.ToInt64(bytes), out var obj) ? obj : throw new SerializationException("read twice");
}
