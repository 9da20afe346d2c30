using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>Stands where Akka's default JSON serializer stood, which would build any type that a peer names, and refuses.</summary>
internal class DenySerializer(ExtendedActorSystem system, Config config) : Serializer(system)
{
    private readonly Config _ = config;

    /// <summary>The identifier of the serializer it replaces.</summary>
    public override int Identifier => 1;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()}: is not a message between nodes (mark it {nameof(IWireMessage)} and give it a manifest)");

    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException("a peer sent a message of no known protocol");
}
