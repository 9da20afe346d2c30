using Akka.Cluster;
using Akka.Configuration;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Messages;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Nodes that are killed one after the other keep the cluster from nothing.</summary>
public sealed class LostNodesSpec
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    // Between two kills: less than the resolver wants without a change.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(700);

    // A node that ends without a word, as one that is killed does.
    private const string Fast = """
        akka.cluster.failure-detector { heartbeat-interval = 100ms, acceptable-heartbeat-pause = 500ms, expected-response-after = 100ms }
        akka.cluster { gossip-interval = 100ms, leader-actions-interval = 100ms, unreachable-nodes-reaper-interval = 100ms }
        akka.cluster.split-brain-resolver.stable-after = 2s
        akka.cluster.run-coordinated-shutdown-when-down = off
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        """;

    [Fact]
    public async Task A_trainer_that_was_killed_is_given_up_while_evaluators_are_killed_one_after_the_other()
    {
        await using var coordinator = await StartAsync("coordinator", null);
        var cluster = Akka.Cluster.Cluster.Get(coordinator.System);
        var trainer = await StartAsync("trainer", coordinator.Address);
        var evaluators = new List<ActorHost>();
        for (var index = 0; index < 8; index++) evaluators.Add(await StartAsync("evaluator", coordinator.Address));
        await UntilAsync(() => cluster.State.Members.Count == 10);

        await trainer.System.Terminate();
        foreach (var evaluator in evaluators)
        {
            await evaluator.System.Terminate();
            if (await WithinAsync(Pace, () => !HasTrainer())) break;
        }
        Assert.False(HasTrainer(), "the trainer is still there");
        Assert.Contains(evaluators, evaluator => !evaluator.Terminated.IsCompleted);
        Assert.False(coordinator.Terminated.IsCompleted);
        foreach (var evaluator in evaluators) await evaluator.System.Terminate();
        await UntilAsync(() => cluster.State.Members.Count == 1);

        // Placement waits for no more than that it is down.
        bool HasTrainer() => cluster.State.Members.Any(member => member.HasRole(ActorNames.TrainerRole) && member.Status != MemberStatus.Down);
    }

    private static Task<ActorHost> StartAsync(string role, string? seed) => ActorHost.StartAsync(
        ConfigurationFactory.ParseString($"""
            akka.cluster.roles = ["{role}"]
            akka.cluster.seed-nodes = [{(seed is null ? "" : $"\"{seed}\"")}]
            {Fast}
            """), CancellationToken.None);

    private static async Task UntilAsync(Func<bool> condition) => Assert.True(await WithinAsync(Patience, condition), "in time");

    private static async Task<bool> WithinAsync(TimeSpan limit, Func<bool> condition)
    {
        for (var began = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(began) < limit; await Task.Delay(20))
            if (condition()) return true;
        return condition();
    }
}
