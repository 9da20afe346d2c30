using System.Collections;
using System.Reflection;
using System.Runtime.Serialization;
using Akka.Serialization;
using Akka.TestKit.Xunit2;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Messages.Encoding;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Placement;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>What crosses nodes: by our serializer, compact, and nothing else.</summary>
public sealed class WireSpec() : TestKit(ClusterConfig.LocalConfig())
{
    private static readonly SlotRange[] Ranges = [new(0, 3), new(5, 1)];
    private static readonly StepTimes Times = new(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9);
    private static readonly StepMetrics Sft = new(2.0794415416798357, 1e-3, 2e-5, 4096, 1234, []);

    private static readonly NamedValues Preferences =
        [new("rewards_chosen", 1), new("rewards_rejected", 2), new("rewards_margin", 3), new("rewards_accuracy", 4), new("logps_chosen", 5), new("logps_rejected", double.NaN)];

    private static readonly IWireMessage[] Messages =
    [
        new RankProtocol.Up(new Rank(3), new Incarnation(12), "10.0.0.1:4000"),
        new RankProtocol.Lost(new Rank(3), new Incarnation(12), "killed"),
        new RankProtocol.Lost(new Rank(3), new Incarnation(12), "out of memory") { OfMemory = true, Ago = TimeSpan.FromMilliseconds(12) },
        new RankProtocol.BadInput(new Rank(3), "bad", "stack", "rows.jsonl:3", "correct it"),
        new RankProtocol.BadInput(new Rank(3), "bad", "stack", "rows.jsonl:3", null),
        new RankProtocol.ScoreChunk(new Generation(4), new StepNumber(7), 17),
        new RankProtocol.Replace(new Incarnation(12), "hung"),
        new RankProtocol.Leaving(new Rank(3), new Incarnation(12), "SIGTERM"),
        RankProtocol.Release.Instance,
        new RankProtocol.Command(new WorkerCommand.JoinGeneration(new Generation(4), new Rank(1), ["one", "two", "three"])),
        new RankProtocol.Command(new WorkerCommand.JoinGeneration(new Generation(4), new Rank(2), ["one", "two"]) { Ranks = [new Rank(0), new Rank(2)] }),
        new RankProtocol.Command(new WorkerCommand.Begin(new Generation(4), new StepNumber(7), new StateTransfer.None(), Ranges, [])),
        new RankProtocol.Command(new WorkerCommand.Begin(new Generation(4), new StepNumber(7), new StateTransfer.FromRecipe(), [], Ranges)),
        new RankProtocol.Command(new WorkerCommand.Begin(new Generation(4), new StepNumber(7), new StateTransfer.FromManifest("a/b.json"), Ranges, Ranges)),
        new RankProtocol.Command(new WorkerCommand.Begin(
            new Generation(4), new StepNumber(7),
            new StateTransfer.FromPeer([new PeerCopy(new Rank(2), [new Rank(0), new Rank(1)]), new PeerCopy(new Rank(5), [new Rank(3)])]), Ranges, Ranges)
        {
            Standby = new StandbyOrder([new Rank(1), new Rank(2), new Rank(0)], [new Rank(1)]),
            PassedOver = [new StepRange(new StepNumber(5), new StepNumber(7))],
            Check = new SlotCheck(new SlotNumber(5), [1, 0]),
        }),
        new RankProtocol.Command(new WorkerCommand.Commit(new Generation(4), new StepNumber(7), true, AfterCommit.GoOn) { CheckNext = new SlotCheck(new SlotNumber(5), [1]) }),
        new RankProtocol.Command(new WorkerCommand.Restore(new Generation(4), new StepNumber(7), new StateTransfer.FromManifest("m")) { Standby = new StandbyOrder([new Rank(1), new Rank(0)], []) }),
        new RankProtocol.Command(new WorkerCommand.Commit(new Generation(4), new StepNumber(7), false, AfterCommit.End)),
        new RankProtocol.Report(new WorkerReport.Joined(new Generation(4), new Rank(1), new StepNumber(-1), Ranges, null)),
        new RankProtocol.Report(new WorkerReport.Joined(new Generation(4), new Rank(1), new StepNumber(6), Ranges, "c0ffee")
        {
            Keeps = new StandbyCopy(new Rank(2), new StepNumber(6)),
            Since = new Generation(3),
        }),
        new RankProtocol.Command(new WorkerCommand.Begin(new Generation(4), new StepNumber(7), new StateTransfer.None(), [], Ranges)
        {
            LeftOut = [new StepSlot(new StepNumber(7), new SlotNumber(5)), new StepSlot(new StepNumber(9), new SlotNumber(0))],
        }),
        new RankProtocol.Report(new WorkerReport.SlotBegun(new Generation(4), new Rank(1), new StepNumber(7), new SlotNumber(5))),
        new RankProtocol.Report(new WorkerReport.SlotDone(new Generation(4), new Rank(1), new StepNumber(7), new SlotNumber(5), 0.25)),
        new RankProtocol.Report(new WorkerReport.StepReady(new Generation(4), new Rank(1), new StepNumber(7), "ab12", Sft, Times)),
        new RankProtocol.Report(new WorkerReport.StepReady(new Generation(4), new Rank(1), new StepNumber(7), "ab12", Sft with { More = Preferences }, Times)),
        new RankProtocol.Report(new WorkerReport.StepReady(new Generation(4), new Rank(1), new StepNumber(7), "ab12", Sft, Times)
        {
            Fault = new StepFault("the loss is NaN", [new SlotNumber(3), new SlotNumber(5)]),
            Checked = new CheckedSlot(new SlotNumber(5), "0f", "1e"),
        }),
        new RankProtocol.Report(new WorkerReport.Applied(new Generation(4), new Rank(1), new StepNumber(7), 0.5, AfterCommit.End, null)),
        new RankProtocol.Report(new WorkerReport.Applied(new Generation(4), new Rank(1), new StepNumber(7), 0.5, AfterCommit.End, "cd34")),
        new RankProtocol.Report(new WorkerReport.Scored(new Generation(4), new Rank(1), new StepNumber(7), 17, [-1.5f, -2.25f])),
        new CheckpointProtocol.ShardPart(new Rank(1), new StepNumber(7), "ef56", 1L << 40, 1, 2,
            [new ShardTensor(StateKind.SecondMoment, new TensorSlice("model.norm.weight", [8, 4], [2, 0], [3, 4]))]),
        new CheckpointProtocol.ShardFailed(new Rank(1), new StepNumber(7), "no space"),
        new CheckpointProtocol.SnapshotTaken(new Rank(1), new StepNumber(7), 0.25),
        new NodeProtocol.Invite(),
        new NodeProtocol.Places(8, new MachineMemory(64L << 30, "b00t host /sys/fs/cgroup/one")) { Living = [new Rank(1), new Rank(3)], RunDirectory = "/runs/one", RecipeHash = "ab12" },
        new NodeProtocol.TakeRanks(3, "akka.tcp://tulu2@10.0.0.1:4053/user/run/coordinator/run-ab12#17",
            new NodeRun("/runs/one", "ab12", new ParallelLayout(4, 2, 2, 2), 100, 4, [1, 2, 3]), [new Rank(0), new Rank(1), new Rank(4)]),
        new NodeProtocol.Leaving(),
        new RunProtocol.StopRanks(),
        new RunProtocol.RanksStopped(),
        new RunProtocol.Fatal(new RunFailure("bad", "stack", "rows.jsonl:3", null)),
        new RunProtocol.Fatal(new RunFailure("bad", "stack", "rows.jsonl:3", "correct it")),
        new RankProtocol.BadInput(new Rank(1), "step 3: the loss is NaN", "stack", null, "lower the rate"),
        new SubmissionProtocol.Submit(new Submission("17", "mine", "/runs/one/submitted.yaml", "/runs/one", true, true)),
        new SubmissionProtocol.Cancel("17"),
        new SubmissionProtocol.Scale("17", 3),
        new SubmissionProtocol.Scaled("17", "", "", ""),
        new SubmissionProtocol.Scaled("17", "--data", "is too many", "use 4 at most"),
        new SubmissionProtocol.Accepted("17"),
        new SubmissionProtocol.Heard("17", "ab", 3),
        new SubmissionProtocol.AskStatus(),
        new SubmissionProtocol.Cancelling("17"),
        new SubmissionProtocol.Line("17", "ab", 3, 4, true, "step 1"),
        new SubmissionProtocol.Over("17", "ab", 4, 2),
        new SubmissionProtocol.Nodes(2, [new NodeView("akka.tcp://tulu2@10.0.0.1:4053", ["coordinator", "trainer"], "up", true)]),
        new SubmissionProtocol.RunStatus("akka.tcp://tulu2@10.0.0.1:4053", null, null),
        new SubmissionProtocol.RunStatus("akka.tcp://tulu2@10.0.0.1:4053", new RunView("17", "mine", "/runs/one", "training", 3, 10, 2, 4, 1, null) { Goodput = 0.97 },
            new RunView("16", "mine", "/runs/zero", "done", 10, 10, 1, 4, 0, 0)),
        new DeliveryProtocol.Letter(long.MaxValue, 3, "akka.tcp://tulu2@10.0.0.1:4053/user/node#17", "", "ni", [0x90]),
        new DeliveryProtocol.Letter(long.MaxValue, 4, "akka.tcp://tulu2@10.0.0.1:4053/user/node#17", "akka.tcp://tulu2@10.0.0.2:4053/user/node#18", "ni", [0x90]),
        new DeliveryProtocol.Received(long.MaxValue, 3),
        new EvaluationProtocol.Ask("akka.tcp://tulu2@10.0.0.1:4053/user/node/evaluators/0#17", long.MaxValue),
        new EvaluationProtocol.Working("akka.tcp://tulu2@10.0.0.1:4053/user/node/evaluators/0#17", long.MaxValue),
        new EvaluationProtocol.Granted(3, 2, new EvaluationTask("t3", "exact_match", "exports/sft", "rows.jsonl", 30, 10), "{}", "/runs/one/evaluations/outcomes", "exports/dpo"),
        new EvaluationProtocol.Granted(3, 2, new EvaluationTask("t3", "exact_match", "exports/sft", "rows.jsonl", 30, 10), null, null, null),
        new EvaluationProtocol.Scored("akka.tcp://tulu2@10.0.0.1:4053/user/node/evaluators/0#17", 3, "t3", "ab12.outcome.jsonl"),
        new EvaluationProtocol.Failed("/user/node/evaluators/0", 3, "t3", "bad", "stack", "rows.jsonl:3", null),
        new EvaluationProtocol.Failed("/user/node/evaluators/0", 3, "t3", "bad", "stack", "rows.jsonl:3", "correct it"),
        new EvaluationProtocol.Declined("/user/node/evaluators/0", 3, "it does not see the run directory"),
        new EvaluationProtocol.Taken(3),
    ];

    private SerializerWithStringManifest Serializer => Assert.IsType<WireSerializer>(Sys.Serialization.FindSerializerFor(Messages[0]));

    [Fact]
    public void Every_message_comes_back_as_it_went()
    {
        foreach (var message in Messages)
        {
            Assert.IsType<WireSerializer>(Sys.Serialization.FindSerializerFor(message));
            var bytes = Serializer.ToBinary(message);
            Assert.InRange(bytes.Length, 1, 300);
            Assert.Equivalent(message, Serializer.FromBinary(bytes, Serializer.Manifest(message)), strict: true);
        }
    }

    [Fact]
    public void No_property_is_at_its_default_in_every_sample() => Assert.Empty(WireSamples.LeftAtDefault(Messages));

    [Fact]
    public void Every_message_of_the_protocols_has_a_manifest_and_a_round_trip()
    {
        var declared = typeof(IWireMessage).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IWireMessage)) && type.IsClass).ToHashSet();
        Assert.Equal(declared.Select(type => type.FullName).Order(), Messages.Select(message => message.GetType().FullName).Distinct().Order());
        Assert.Equal(WireSerializer.Catalogue.Count(), Messages.Select(Serializer.Manifest).Distinct().Count());
    }

    [Fact]
    public void The_manifests_are_the_approved_ones()
    {
        // Two versions of the program may meet: a line here is never changed, only added to.
        Golden.GoldenFile.Check(string.Concat(WireSerializer.Catalogue.Select(line => line + '\n')), "tests", "Tulu2.Tests", "Cluster", "WireManifests.approved.txt");
    }

    [Fact]
    public void A_message_that_is_too_long_throws_where_it_is_sent()
    {
        var shard = new WorkerReport.ShardWritten(new Rank(0), new StepNumber(1), new ShardEntry("ab", 8, [.. Enumerable.Range(0, 3000)
            .Select(i => new ShardTensor(StateKind.Parameter, new TensorSlice($"model.layers.{i}.mlp.down_proj.weight", [4096, 11008], [i, 0], [1, 11008])))]));

        var whole = new CheckpointProtocol.ShardPart(new Rank(0), new StepNumber(1), "ab", 8, 0, 1, [.. shard.Shard.Tensors]);
        Assert.Throws<SerializationException>(() => Serializer.ToBinary(whole));
        Assert.Throws<SerializationException>(() => WireSerializer.Pack(whole));

        // Which is why the checkpointer cuts it.
        var assembly = new ShardAssembly();
        var parts = Checkpointer.PartsOf(shard).ToArray();
        Assert.All(parts, part => Serializer.ToBinary(part));
        Assert.All(parts.Reverse().SkipLast(1), part => Assert.Null(assembly.Add(part)));
        Assert.Equivalent(shard.Shard, assembly.Add(parts[0]), strict: true);
    }

    [Fact]
    public void What_belongs_to_no_protocol_is_refused_on_both_sides()
    {
        Assert.Throws<SerializationException>(() => Sys.Serialization.FindSerializerFor(new Uri("http://x")).ToBinary(new Uri("http://x")));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary([0x90], "zz"));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary([0x91, 0x01], "ru"));
        Assert.Throws<SerializationException>(() => Serializer.ToBinary(new RankProtocol.Command(new WorkerCommand.Shutdown())));
        Assert.IsType<DenySerializer>(Sys.Serialization.FindSerializerForType(typeof(object)));
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize("{}"u8.ToArray(), 1, "System.Uri, System"));
    }

    [Fact]
    public void Nothing_that_builds_a_type_which_a_peer_names_reads_what_comes()
    {
        // By its number in the envelope a peer selects any of them, whatever is bound to it here. Akka shows them to nobody.
        var field = typeof(Serialization).GetField("_serializersByName", BindingFlags.Instance | BindingFlags.NonPublic)!;
        var known = ((IDictionary)field.GetValue(Sys.Serialization)!).Values.Cast<Serializer>().OrderBy(serializer => serializer.Identifier);
        string[] expected =
        [
            "0 NullSerializer", "1 DenySerializer", "2 ProtobufSerializer", "3 DenyDeployment", "4 ByteArraySerializer", "5 ClusterMessageSerializer", "6 MessageContainerSerializer",
            "9 DistributedPubSubMessageSerializer", "14 ClusterSingletonMessageSerializer", "15 ClusterClientMessageSerializer", "16 MiscMessageSerializer", "17 PrimitiveSerializers",
            "22 SystemMessageSerializer", "36 ReliableDeliverySerializer", "2022 WireSerializer",
        ];
        // Some come with the parts of Akka that a node loads.
        string[] found = [.. known.Select(serializer => $"{serializer.Identifier} {serializer.GetType().Name}")];
        Assert.Empty(found.Except(expected));
        Assert.Superset(new HashSet<string> { "1 DenySerializer", "3 DenyDeployment", "2022 WireSerializer" }, found.ToHashSet());
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([], 3, "Akka.Remote.DaemonMsgCreate, Akka.Remote"));
    }
}
