using System.Collections.Immutable;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Placement;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>Which rank is on which node.</summary>
internal sealed partial class CoordinatorModel
{
    private void Invite()
    {
        if (_isOver) return;
        foreach (var node in _world.Nodes.Where(node => !node.IsRemoved && !_answered.Contains(node)).ToArray())
            _world.Network.Send(Process, node.Process, () =>
            {
                var offer = node.Offer;
                _world.Network.Send(node.Process, Process, () => Answered(node, offer));
            });
        Process.After(Invites, Invite);
    }

    private void Answered(NodeModel node, (int Places, ImmutableArray<Protocol.Ids.Rank> Living) offer)
    {
        if (node.IsRemoved || !_answered.Add(node)) return;
        var placed = new PlacementOffer(node.Name, offer.Places, offer.Living);
        if (_first is null) Place(_placement.Offer(placed), "");
        else
        {
            _first.Add(placed);
            if (_world.Nodes.All(other => other.IsRemoved || _answered.Contains(other))) OfferFirst();
        }
    }

    private void OfferFirst()
    {
        if (_first is not { } first) return;
        _first = null;
        Place(_placement.Offer([.. first.Where(offer => _answered.Any(node => node.Name == offer.Node))]), "");
    }

    private void Place((PlacementState Next, ImmutableArray<PlacementEffect> Effects) placed, string why)
    {
        _placement = placed.Next;
        foreach (var effect in placed.Effects)
            switch (effect)
            {
                case PlacementEffect.Start start:
                    _world.Loop.Say($"ranks {string.Join(",", start.Ranks)} are placed on {start.Node}");
                    TakeRanks(_answered.Single(node => node.Name == start.Node), start);
                    break;
                case PlacementEffect.Lost lost:
                    foreach (var seat in SeatsOf(lost.Epoch, lost.Ranks))
                        Take(new SyncCommand.RankLost(seat.Rank, seat.Incarnation, why, _world.Loop.Now));
                    break;
                case PlacementEffect.Leave leave:
                    foreach (var rank in leave.Ranks) _leaving[rank] = leave;
                    foreach (var seat in SeatsOf(leave.Epoch, leave.Ranks))
                        Take(new SyncCommand.RankLeaves(seat.Rank, seat.Incarnation, why, Stays: false, _world.Loop.Now));
                    break;
            }
    }

    private RankSeat[] SeatsOf(long epoch, IEnumerable<Protocol.Ids.Rank> ranks) => [.. ranks.Where(rank => rank < _state.Seats.Length)
        .Select(rank => _state.Seats[rank]).Where(seat => NodeProtocol.EpochOf(seat.Incarnation) == epoch)];

    // Whoever wants another number of replicas has written it down.
    private void LookAtScale()
    {
        if (_isOver) return;
        if (_world.Disk.Data is { } data && data != _scaled)
        {
            _scaled = data;
            Take(new SyncCommand.Scale(data, _world.Loop.Now));
        }
        Process.After(ScaleLook, LookAtScale);
    }

    private void TakeRanks(NodeModel node, PlacementEffect.Start start)
    {
        if (!_toNodes.TryGetValue(node, out var stream))
            _toNodes[node] = stream = new CourierStream<PlacementEffect.Start>(_world.Loop, _world.Network, Process, node.Process,
                placed => node.TakeRanks(this, placed.Epoch, placed.Ranks), _world.Mutation.Stream);
        stream.Send(start);
    }
}
