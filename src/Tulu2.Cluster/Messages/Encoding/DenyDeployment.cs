using Akka.Actor;
using Akka.Configuration;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>Stands where Akka's serializer of remote deployment stood, by which a peer starts any actor of any type here, and refuses.</summary>
internal sealed class DenyDeployment(ExtendedActorSystem system) : DenySerializer(system, Config.Empty)
{
    /// <summary>The identifier of the serializer it replaces.</summary>
    public override int Identifier => 3;
}
