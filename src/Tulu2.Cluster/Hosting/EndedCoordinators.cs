using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// Declares a coordinator down whose process has certainly ended: its connection is gone, and its host refuses another one, as it does where nobody listens. Whatever is only
/// silent is left to the failure detector and the split-brain resolver. As with these, it takes a majority of the coordinators to give one up.
/// </summary>
internal sealed class EndedCoordinators : UntypedActor
{
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(1);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    private sealed record Probed(Address Address, bool IsRefused) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.UnreachableMember));
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        _cluster.Unsubscribe(Self);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case DisassociatedEvent { RemoteAddress: var address } when Find(address) is not null:
                Probe(address);
                break;
            case ClusterEvent.UnreachableMember { Member: var member } when member.HasRole(ActorNames.CoordinatorRole):
                Probe(member.Address);
                break;
            case Probed { IsRefused: true, Address: var address } when Find(address) is { } ended && HasMajorityWithout(ended):
                _cluster.Down(address);
                break;
        }
    }

    private Member? Find(Address address) => Coordinators.FirstOrDefault(member => member.Address.Equals(address));

    private IEnumerable<Member> Coordinators => _cluster.State.Members.Where(member => member.HasRole(ActorNames.CoordinatorRole) && member.Status == MemberStatus.Up);

    private bool HasMajorityWithout(Member ended)
    {
        var (all, unreachable) = (Coordinators.ToList(), _cluster.State.Unreachable);
        return 2 * all.Count(member => !member.Equals(ended) && !unreachable.Contains(member)) > all.Count;
    }

    private void Probe(Address address) => _ = IsRefusedAsync(address).PipeTo(Self, success: refused => new Probed(address, refused), failure: _ => new Probed(address, false));

    private static async Task<bool> IsRefusedAsync(Address address)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address.Host!, address.Port!.Value).WaitAsync(AnswerPatience).ConfigureAwait(false);
            return false;
        }
        catch (SocketException fault)
        {
            return fault.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}
