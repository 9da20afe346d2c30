using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Tasks;
using Tulu2.Evaluation.Workers;
using Tulu2.Files;
using Tulu2.Models.Inference;
using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Workers;

/// <summary>What a node and its evaluator processes say to each other: it comes as it went, and nothing else comes.</summary>
public sealed class EvaluatorChannelTests
{
    private static readonly object[] Messages =
    [
        new EvaluatorStart(new EvaluatorSettings(64, new BenchmarkOptions(7, true, true) { Mode = EvaluationMode.Fixed, Chat = true, Shots = 5, Limit = 100, BothOrders = true, OrderSeed = 3, ChainOfThought = true })
        {
            Shards = new ShardPlan { Count = 3, Servers = ["a:1", "b:2"], KeyFile = "key", Folder = "models", IsOfCommand = true },
            Judges = new Dictionary<string, string> { ["pairs"] = "gpt" }, JudgeCache = "cache", JudgeKeyFile = "key", JudgePrices = "prices", AllowUnsafeExecution = true,
            JudgeLimits = new JudgeLimits(3, 4, 5)
            {
                Sharers = 2,
                Tries = 3,
                FirstWait = TimeSpan.FromSeconds(2),
                LongestWait = TimeSpan.FromSeconds(3),
                LongestAsked = TimeSpan.FromSeconds(4),
                Patience = TimeSpan.FromSeconds(5),
            },
        }, true),
        new EvaluatorStart(new EvaluatorSettings(64, new BenchmarkOptions()), false),
        new EvaluatorCommand.Run(new EvaluationTask("t3", "exact_match", "exports/sft", "rows.jsonl", 30, 10)),
        new EvaluatorCommand.Answer("exports/sft", [[new Message("user", "hi")], [new Message("user", "a"), new Message("assistant", "b") { Learnt = false }]], 9),
        new EvaluatorCommand.Prepare("exports/dpo"),
        new EvaluatorCommand.Shutdown(),
        new EvaluatorReply.Ready(),
        new EvaluatorReply.Alive(),
        new EvaluatorReply.Scored(new EvaluationOutcome("t3",
            [
                new ItemScore("i", "d", 0.1)
                {
                    Metrics = new Dictionary<string, double> { ["pass@1"] = 0.3 },
                    Sample = new EvaluationSample("p", "e", "ö 你", true) { Verdict = "v" },
                },
                new ItemScore("j", "", 1),
            ])
        {
            Judges = [new JudgeUse("pairs", "gpt-4@host", 1, 2, 3, 4) { Cost = 0.5 }, new JudgeUse("grades", "x", 1, 0, 3, 4)],
        }),
        new EvaluatorReply.Answered(["one", "two"]),
        new EvaluatorReply.Failed(new("bad", "stack", "rows.jsonl:3", "correct it", true)),
        new EvaluatorReply.Failed(new("bad", "stack", null, null, false)),
    ];

    [Fact]
    public void Every_message_comes_as_it_went_with_all_of_its_properties()
    {
        Assert.Empty(WireSamples.LeftAtDefault(Messages));
        using var stream = new MemoryStream();
        var channel = new WorkerChannel(stream, EvaluatorCodecs.ChannelCodecs);
        foreach (var message in Messages) channel.Write(message);
        stream.Position = 0;
        foreach (var message in Messages) Assert.Equivalent(message, channel.Read<object>(), strict: true);
        Assert.Null(channel.Read<object>());
    }

    [Fact]
    public void Every_message_has_a_codec()
    {
        var declared = new[] { typeof(EvaluatorCommand), typeof(EvaluatorReply) }.SelectMany(type => type.GetNestedTypes()).Append(typeof(EvaluatorStart));
        Assert.Equal(declared.Select(type => type.FullName).Order(), EvaluatorCodecs.All.Select(codec => codec.Type.FullName).Order());
        Assert.Equal(declared.Select(type => type.FullName).Order(), Messages.Select(message => message.GetType().FullName).Distinct().Order());
    }

    [Fact]
    public void Messages_of_shards_come_as_they_went()
    {
        object[] messages =
        [
            new ShardStart(new ShardOrder("exports/sft", InferencePrecision.Brain, 3) { Content = "hash" }, 2, [1, 2, 3], "10.0.0.2") { YieldsProcessor = true, Version = "1" },
            new ShardCommand.Join(new ShardGathering(7, ["tcp://a:1", "tcp://b:2"], 9, 4)), new ShardCommand.Shutdown(),
            new ShardReply.Ready("tcp://a:1"), new ShardReply.Alive(), new ShardReply.Loaded(), new ShardReply.Failed(new("bad", "stack", "rows.jsonl:3", "correct it", true)),
        ];
        Assert.Empty(WireSamples.LeftAtDefault(messages));
        Assert.Equal(ShardCodecs.All.Select(codec => codec.Type), messages.Select(message => message.GetType()));
        foreach (var message in messages) Assert.Equivalent(message, ShardCodecs.Of<object>(ShardCodecs.Bytes(message)), strict: true);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_failure_is_the_same_on_both_sides(Exception fault)
    {
        var came = ProcessFailure.Of(fault).ToException();
        Assert.Equal(fault.Message, came.Message);
        Assert.IsType(fault is InvalidOperationException ? typeof(EvaluatorProcessException) : fault.GetType(), came);
    }

    public static TheoryData<Exception> Faults => new()
    {
        new BadInputException("rows.jsonl:3", "has no answer", "give one"), new NonFiniteException("rows.jsonl:3", "is NaN", "take another model"), new InvalidOperationException("out of memory"),
    };
}
