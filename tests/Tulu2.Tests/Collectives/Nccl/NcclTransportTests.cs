using System.Net;
using TorchSharp;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Nccl;
using Tulu2.Collectives.Network;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Launch;
using Tulu2.Training.Communication;
using Tulu2.Training.Hosting;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Tulu2.Training.Workers;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Collectives.Nccl;

public sealed class NcclTransportTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Each_generation_has_its_own_communicators()
    {
        var (fake, plane) = (new FakeNccl(), new InProcessDataPlane());
        await Task.WhenAll(Enumerable.Range(0, 2).Select(rank => Task.Factory.StartNew(() =>
        {
            using var transport = Over(fake, new FakeStream());
            var mailbox = new Mailbox();
            for (var generation = 1; generation <= 2; generation++)
            {
                var world = plane.Join(generation, rank, ["in-process", "in-process"]);
                mailbox.Enter(world);
                var sum = transport.Join(world, mailbox.EnterToo);
                using var scope = NewDisposeScope();
                var values = full([40], (float)(rank + generation));
                sum.Sum(values);
                Assert.Equal(2 * generation + 1, values[39].ToSingle());
            }
        }, TaskCreationOptions.LongRunning)));
        Assert.Equal(0, fake.Alive);
    }

    [Fact]
    public void The_end_of_a_generation_aborts_its_communicators()
    {
        var mailbox = new Mailbox();
        var world = new InProcessDataPlane().Join(7, 0, ["in-process"]);
        mailbox.Enter(world);
        var fake = new FakeNccl();
        NcclGroups? groups = null;
        using var transport = new NcclTransport(true, Deadline, (host, deadline, created) =>
            groups = NcclGroups.Join(fake, new FakeStream(), host, deadline, created));
        transport.Join(world, mailbox.EnterToo);
        mailbox.Post(new WorkerCommand.Shutdown());
        Assert.Throws<CollectiveAbortedException>(() => groups!.Group([0]));
        Assert.Equal(0, fake.Alive);
    }

    [Fact]
    public void The_recipe_selects_the_transport_and_impossible_ones_are_refused()
    {
        Assert.Null(NcclTransport.Of(new ParallelRecipe(), 2, Deadline));
        Assert.Null(NcclTransport.Of(new ParallelRecipe { Transport = RankTransport.Nccl }, 1, Deadline));
        var nccl = new ParallelRecipe { Transport = RankTransport.Nccl };
        Assert.NotNull(NcclTransport.Of(nccl, 2, Deadline));
        Assert.Equal("parallel.transport", Assert.Throws<BadInputException>(() => LayoutRules.CheckThreads(nccl, Fault)).Where);
        LayoutRules.CheckThreads(new ParallelRecipe { Transport = RankTransport.Tcp }, Fault);
        var recipe = new Recipe { Model = new() { Path = "model" }, Data = new() { Train = ["rows.jsonl"] } };
        var error = Assert.Throws<BadInputException>(() => RecipeRules.Check(recipe with { Parallel = nccl }, (k, w, m) => Fault(k, w, m)));
        Assert.Equal("parallel.transport", error.Where);
    }

    [Theory]
    [InlineData(RankTransport.Auto, Tulu2.Collectives.Network.Transport.Auto)]
    [InlineData(RankTransport.Tcp, Tulu2.Collectives.Network.Transport.Tcp)]
    [InlineData(RankTransport.Nccl, Tulu2.Collectives.Network.Transport.Auto)]
    public void A_worker_process_opens_the_transport_the_recipe_selects(RankTransport asked, Transport opened)
    {
        var start = new WorkerStart
        {
            Recipe = new Recipe { Parallel = new() { Transport = asked } },
            Model = ModelPresets.Get("demo"),
            VirtualShards = 4,
            Parallel = new ParallelLayout(1),
            CheckpointDirectory = "checkpoints",
            Batches = new BatchFacts(1, [1], [1], [1], []),
            Key = new byte[32],
            ListenAddress = IPAddress.Loopback.ToString(),
        };
        Assert.Equal(opened, WorkerEntry.OptionsOf(start).Transport);
        var factory = new ProcessWorkerFactory(new WorkerProgram("none", []), start, null);
        Assert.Equal([0, 1, 0], new[] { 5, 3, 5 }.Select(rank => factory.StartOf(new Rank(rank)).IndexOnNode));
        Assert.Equal(1, ComputeDevices.IndexOf(3, 2));
    }

    private static BadInputException Fault(string key, string what, string fix) => new(key, what, fix);

    private static NcclTransport Over(FakeNccl fake, INcclStream stream) =>
        new(true, Deadline, (host, deadline, created) => NcclGroups.Join(fake, stream, host, deadline, created));
}
