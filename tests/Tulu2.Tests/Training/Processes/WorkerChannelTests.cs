using System.Buffers.Binary;
using FsCheck.Xunit;
using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Files.Certificates;
using Tulu2.Models.Families.Llama;
using Tulu2.Protocol.Encoding;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Training.Recipes;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

/// <summary>What a node and its worker processes say to each other: it comes as it went, and nothing else comes.</summary>
public sealed class WorkerChannelTests
{
    private static readonly SlotBatch Batch = new(3, 1, [1, 70000, 2], [0, 1, 2], [3], [0, 1], [70000, 2], [0, 0], [41], 3)
    {
        Prefixes = [0, 2],
        Desirable = [true],
        Mismatched = new(3, 1, [4, 5], [0, 1], [2], [0], [5], [0], [41], 2) { Desirable = [true] },
        Divergence = -0.25,
    };
    private static readonly SlotRange[] Ranges = [new(0, 3), new(5, 1)];

    private static readonly object[] Messages =
    [
        Start(),
        new WorkerCommand.JoinGeneration(new Generation(4), new Rank(1), ["one", "two"]),
        new WorkerCommand.Begin(
            new Generation(4), new StepNumber(7), new StateTransfer.FromPeer([new PeerCopy(new Rank(0), [new Rank(1), new Rank(2)])]), Ranges, [])
        {
            Standby = new StandbyOrder([new Rank(1), new Rank(0)], [new Rank(1)]),
        },
        new WorkerCommand.Feed(Batch),
        new WorkerCommand.Commit(new Generation(4), new StepNumber(7), true, AfterCommit.GoOn),
        new WorkerCommand.Restore(new Generation(4), new StepNumber(7), new StateTransfer.None()) { Standby = new StandbyOrder([new Rank(1), new Rank(0)], []) },
        new WorkerCommand.Score(new Generation(4), default, 17, Batch),
        new WorkerCommand.Shutdown(),
        new WorkerReport.Started("tcp://10.0.0.1:4000"),
        new WorkerReport.Alive(),
        new WorkerReport.Joined(new Generation(4), new Rank(1), new StepNumber(-1), Ranges, "c0ffee") { Keeps = new StandbyCopy(new Rank(2), new StepNumber(6)) },
        new WorkerReport.SlotDone(new Generation(4), new Rank(1), new StepNumber(7), new SlotNumber(5), 0.25),
        new WorkerReport.StepReady(
            new Generation(4), new Rank(1), new StepNumber(7), "ab12", new StepMetrics(2, 1, 1e-5, 40, 30, [new("rewards_margin", 0.5)]),
            new StepTimes(1, 2, 3, 4, 5, 6, 7, 8, 9)),
        new WorkerReport.Applied(new Generation(4), new Rank(1), new StepNumber(7), 0.5, AfterCommit.End, "cd34"),
        new WorkerReport.ShardWritten(
            new Rank(1), new StepNumber(7),
            new ShardEntry("ef56", 99, [new ShardTensor(StateKind.SecondMoment, new TensorSlice("model.norm.weight", [8], [2], [3]))])),
        new WorkerReport.SnapshotTaken(new Rank(1), new StepNumber(7), 0.25),
        new WorkerReport.SnapshotFailed(new Rank(1), new StepNumber(7), "no space"),
        new WorkerReport.Scored(new Generation(4), new Rank(1), new StepNumber(7), 17, [-1.5f]),
        new WorkerReport.Failed(new Generation(-1), new Rank(1), "bad", "stack", null, null),
        new WorkerReport.Failed(new Generation(4), new Rank(1), "bad", "stack", "rows.jsonl:3", "correct it"),
    ];

    [Fact]
    public void Every_message_comes_as_it_went()
    {
        using var stream = new MemoryStream();
        var channel = new WorkerChannel(stream, WorkerStartCodec.ChannelCodecs);
        foreach (var message in Messages) channel.Write(message);
        stream.Position = 0;
        foreach (var message in Messages) Assert.Equivalent(message, channel.Read<object>(), strict: true);
        Assert.Null(channel.Read<object>());
    }

    [Fact]
    public void Every_command_and_report_has_a_manifest()
    {
        var declared = new[] { typeof(WorkerCommand), typeof(WorkerReport) }
            .SelectMany(type => type.GetNestedTypes()).Where(type => type.IsSealed).Select(type => type.Name).Order();
        Assert.Equal(declared, WorkerCodecs.All.Select(codec => codec.Type.Name).Order());
    }

    [Fact]
    public void Every_value_of_a_recipe_and_a_model_reaches_the_worker()
    {
        // Everything differs from its default: a key or field that is left out shows.
        var recipe = new Recipe();
        foreach (var key in RecipeKey.All) key.Write(recipe, OtherValue.Of(key, new Recipe { Lora = new LoraRecipe() }));
        var sent = Start() with { Recipe = recipe };
        var got = Assert.IsType<WorkerStart>(RoundTrip(sent));
        Assert.Equal(RecipeWriter.Write(recipe), RecipeWriter.Write(got.Recipe));
        Assert.Equal(sent.Model, got.Model);
        Assert.Equal(1, got.IndexOnNode);
        Assert.Equal(sent.Identity, got.Identity);
        Assert.Null(Assert.IsType<WorkerStart>(RoundTrip(sent with { Identity = null })).Identity);
        var unlisted = sent.Identity! with { Admitted = null };
        Assert.Equal(unlisted, Assert.IsType<WorkerStart>(RoundTrip(sent with { Identity = unlisted })).Identity);
        Assert.Equal(15, typeof(LlamaConfig).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(sent.Batches.LossTokens(2), got.Batches.LossTokens(2));
        Assert.Equal(2, got.Batches.ItemsOf(1, 1));
        Assert.Equal(11, got.Batches.ChosenLossTokens(2));
        Assert.Throws<NotSupportedException>(() => got.Batches.Read(1, 0));
    }

    [Fact]
    public void A_recipe_without_a_section_arrives_without_it()
    {
        var got = Assert.IsType<WorkerStart>(RoundTrip(Start() with { Recipe = new Recipe { Steps = 3 } }));
        Assert.Null(got.Recipe.Lora);
        Assert.Equal(RecipeWriter.Write(new Recipe { Steps = 3 }), RecipeWriter.Write(got.Recipe));
    }

    [Fact]
    public void The_key_is_in_no_text_of_a_start()
    {
        var text = Start().ToString();
        Assert.DoesNotContain("Key", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(WorkerChannel.MaxFrame + 1)]
    public void A_length_that_cannot_be_is_refused_before_memory_is_taken(int length)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        Assert.Throws<WorkerChannelException>(() => new WorkerChannel(new MemoryStream(bytes), WorkerStartCodec.ChannelCodecs).Read<object>());
    }

    [Fact]
    public void A_message_of_the_other_direction_is_refused()
    {
        using var stream = new MemoryStream();
        var channel = new WorkerChannel(stream, WorkerStartCodec.ChannelCodecs);
        channel.Write(new WorkerCommand.Shutdown());
        stream.Position = 0;
        Assert.Throws<WorkerChannelException>(() => channel.Read<WorkerReport>());
    }

    [Property(MaxTest = 300)]
    public void A_message_cut_short_is_refused(byte which, ushort cut)
    {
        var bytes = Bytes(Messages[which % Messages.Length]);
        var end = 1 + cut % (bytes.Length - 1);
        Assert.Throws<WorkerChannelException>(() => new WorkerChannel(new MemoryStream(bytes[..end]), WorkerStartCodec.ChannelCodecs).Read<object>());
    }

    [Property(MaxTest = 1000)]
    public void Any_bytes_give_a_message_or_a_refusal(byte which, (ushort At, byte Value)[] damage)
    {
        var frame = Bytes(Messages[which % Messages.Length])[4..];
        foreach (var (at, value) in damage) frame[at % frame.Length] = value;
        try
        {
            Assert.NotNull(WorkerStartCodec.ChannelCodecs.Parse(frame));
        }
        catch (WorkerChannelException refused)
        {
            Assert.StartsWith("worker channel: ", refused.Message, StringComparison.Ordinal);
        }
    }

    private static WorkerStart Start() => new()
    {
        Rank = new Rank(3),
        IndexOnNode = 1,
        Recipe = new Recipe { Epochs = 2 },
        Model = new LlamaConfig
        {
            HiddenSize = 64,
            IntermediateSize = 96,
            Layers = 3,
            Heads = 4,
            KeyValueHeads = 2,
            VocabularySize = 512,
            HeadSize = 24,
            RopeTheta = 5e5,
            RmsNormEpsilon = 1e-6,
            MaxPositions = 99,
            TieEmbeddings = true,
            InitializerRange = 0.03,
            BeginningId = 5,
            EndId = 6,
            UsedVocabulary = 500,
        },
        VirtualShards = 2,
        Parallel = new ParallelLayout(4, 2, 1, 2),
        CheckpointDirectory = "/runs/one/checkpoints",
        Batches = new BatchFacts(2, [30, 31], [10, 11, 12, 13], [2, 2, 2, 2], [9, 11]),
        Reference = new ReferenceFile("/cache", "key", 9),
        Key = [1, 2, 3],
        ListenAddress = "127.0.0.1",
        CollectiveDeadline = TimeSpan.FromSeconds(77),
        Identity = new IdentityFiles("/etc/tulu2/node.crt", "/etc/tulu2/node.key", "/etc/tulu2/authority.crt", "/etc/tulu2/admitted"),
    };


    private static object RoundTrip(object message) => WorkerStartCodec.ChannelCodecs.Parse(Bytes(message).AsMemory(4));

    private static byte[] Bytes(object message)
    {
        using var stream = new MemoryStream();
        new WorkerChannel(stream, WorkerStartCodec.ChannelCodecs).Write(message);
        return stream.ToArray();
    }
}
