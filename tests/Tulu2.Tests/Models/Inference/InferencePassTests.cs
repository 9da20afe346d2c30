using System.Text.Json;
using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Inference;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Decoder;
using Tulu2.Tests.Models.Families;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Inference;

/// <summary>The inference model: against the training model, an independent fp64 implementation, and itself in other batches.</summary>
public sealed class InferencePassTests
{
    // Far from linear, as TinyModel's weights are.
    private const double Range = 0.12;

    public static TheoryData<string> Shapes => ["grouped", "plain", "tied", "small heads", "wide heads", "odd sizes", "biased"];

    private static ModelConfig Config(string shape)
    {
        var config = shape switch
        {
            "plain" => TinyModel.Config(keyValueHeads: 8),
            "tied" => TinyModel.Config(tied: true),
            "small heads" => TinyModel.Config(headSize: 8),
            "wide heads" => TinyModel.Config(heads: 2, keyValueHeads: 1, headSize: 80),
            "odd sizes" => TinyModel.Config(heads: 5, keyValueHeads: 1, headSize: 6, feedForward: 77, vocabulary: 70),
            _ => TinyModel.Config(),
        };
        config = config with { InitializerRange = Range };
        return shape == "biased" ? new BiasedConfig(config) : config;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Log_probabilities_are_the_training_model_s(string shape)
    {
        var config = Config(shape);
        using var folder = new TemporaryFolder();
        Export(folder.Root, config, "F32");
        using var model = InferenceModel.Load(folder.Root, config);
        AssertAsTraining(model, map =>
        {
            var weights = zeros([map.Length]);
            unsafe { HuggingFaceModel.ReadWeights(folder.Root, map, (nint)Aten.Address<float>(weights)); }
            return weights;
        });
    }

    [Fact]
    public void Random_weights_are_those_that_training_begins_with()
    {
        using var model = InferenceModel.Random(Config("grouped"), 3, InferenceForm.Single);
        AssertAsTraining(model, map =>
        {
            var weights = zeros([map.Length]);
            unsafe { RandomWeights.Fill(map, 3, (nint)Aten.Address<float>(weights)); }
            return weights;
        });
    }

    [Property(MaxTest = 25)]
    public void Bits_do_not_depend_on_batch_chunks_pages_or_threads(int seed)
    {
        var random = new Random(seed);
        string[] shapes = ["grouped", "plain", "tied", "small heads", "wide heads", "odd sizes"];
        var config = Config(shapes[random.Next(shapes.Length)]);
        using var model = InferenceModel.Random(config, 5, (InferenceForm)random.Next(3));
        int[][] sequences = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => InferenceRun.Ids(random, random.Next(1, 60), config.VocabularySize))];
        var together = InferenceRun.Together(model, sequences, random, random.Next(1, 40), random.Next(1, 4));
        for (var s = 0; s < sequences.Length; s++) Assert.Equal(InferenceRun.Alone(model, sequences[s]), together[s]);
    }

    [Property(MaxTest = 25)]
    public void Bits_do_not_depend_on_the_number_of_shards(int seed)
    {
        var random = new Random(seed);
        string[] shapes = ["grouped", "plain", "tied", "small heads", "biased"];
        var config = Config(shapes[random.Next(shapes.Length)]);
        var form = (InferenceForm)random.Next(3);
        using var model = InferenceModel.Random(config, 5, form);
        int[][] sequences = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => InferenceRun.Ids(random, random.Next(1, 60), config.VocabularySize))];
        var shards = random.Next(2, config.KeyValueHeads + 1);
        var sharded = InferenceRun.Sharded(shard => InferenceModel.Random(config, 5, form, shard), shards, sequences, seed, random.Next(1, 40), random.Next(1, 3));
        for (var s = 0; s < sequences.Length; s++) Assert.Equal(InferenceRun.Alone(model, sequences[s]), sharded[s]);
    }

    [Theory]
    [InlineData("BF16", false)]
    [InlineData("F32", true)]
    public void Shards_of_a_model_s_files_have_the_bits_of_all_of_it(string type, bool isQuantized)
    {
        using TemporaryFolder folder = new(), quantized = new();
        var config = Config(isQuantized ? "grouped" : "biased");
        Export(folder.Root, config, type);
        if (isQuantized) QuantizedExport.Write(folder.Root, quantized.File("model"), "F32", doubleQuant: true);
        var directory = isQuantized ? quantized.File("model") : folder.Root;
        using var model = InferenceModel.Load(directory, config);
        using var half = InferenceModel.Load(directory, config, shard: new InferenceShard(1, 2));
        // All but the embedding is divided.
        Assert.True(half.BytesPerPass < 0.55 * model.BytesPerPass);
        int[][] sequences = [InferenceRun.Ids(new Random(4), 50, config.VocabularySize)];
        foreach (var shards in new[] { 2, 3, 4 })
            Assert.Equal(InferenceRun.Alone(model, sequences[0]), InferenceRun.Sharded(shard => InferenceModel.Load(directory, config, shard: shard), shards, sequences, 1, 20, 1)[0]);
    }

    [Fact]
    public void More_shards_than_key_value_heads_are_refused()
    {
        using var folder = new TemporaryFolder();
        var config = Config("grouped");
        Export(folder.Root, config, "F32");
        var error = Assert.Throws<BadInputException>(() => InferenceModel.Load(folder.Root, config, shard: new InferenceShard(0, 5)));
        Assert.Contains("4 key-value heads", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void Weights_in_16_bits_give_the_bits_of_the_same_weights_in_fp32(string type)
    {
        using var folder = new TemporaryFolder();
        var config = Config("grouped");
        Export(folder.Root, config, type);
        using InferenceModel stored = InferenceModel.Load(folder.Root, config),
            single = InferenceModel.Load(folder.Root, config, precision: InferencePrecision.Single);
        Assert.True(stored.Bytes < 0.6 * single.Bytes);
        AssertSame(stored, single);
        if (type != "BF16") return;
        // Rounding fp32 to bf16 as it is read is the same as having it in the file.
        using var wide = new TemporaryFolder();
        Export(wide.Root, config, "F32");
        using var rounded = InferenceModel.Load(wide.Root, config, precision: InferencePrecision.Brain);
        AssertSame(stored, rounded);
    }

    [Theory]
    [InlineData(true, 192)]
    [InlineData(false, 192)]
    [InlineData(true, 72)]
    public void Weights_in_4_bits_give_the_bits_of_the_restored_ones(bool doubleQuant, int feedForward)
    {
        using TemporaryFolder folder = new(), quantized = new();
        var config = TinyModel.Config(feedForward: feedForward) with { InitializerRange = Range };
        Export(folder.Root, config, "F32");
        QuantizedExport.Write(folder.Root, quantized.File("model"), "F32", doubleQuant);
        using InferenceModel stored = InferenceModel.Load(quantized.File("model"), config),
            restored = InferenceModel.Load(quantized.File("model"), config, precision: InferencePrecision.Single);
        Assert.True(stored.Bytes < 0.8 * restored.Bytes);
        AssertSame(stored, restored);
    }

    [SkippableFact]
    public void A_trained_checkpoint_s_greedy_ids_and_logits_are_the_reference_s()
    {
        var folder = ReferenceData.Require("tinystories656K_hf");
        var config = HuggingFaceModel.ReadConfig(folder);
        using var model = InferenceModel.Load(folder, config);
        using var reference = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "reference_greedy.json")));
        foreach (var run in reference.RootElement.GetProperty("runs").EnumerateArray())
        {
            var (prompt, expected) = (Ids(run, "prompt_ids"), Ids(run, "greedy_ids"));
            var steps = run.GetProperty("top5_logits_per_step").EnumerateArray().ToArray();
            var logits = InferenceRun.Alone(model, expected);
            for (var step = 0; step < steps.Length; step++)
            {
                var row = logits.AsSpan((prompt.Length + step - 1) * config.VocabularySize, config.VocabularySize);
                Assert.Equal(expected[prompt.Length + step], System.Numerics.Tensors.TensorPrimitives.IndexOfMax((ReadOnlySpan<float>)row));
                foreach (var entry in steps[step].EnumerateArray()) Assert.Equal(entry[1].GetDouble(), row[entry[0].GetInt32()], 1e-3);
            }
        }

        static int[] Ids(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var config = Config("grouped");
        using var model = InferenceModel.Random(config, 1, InferenceForm.Single);
        using var pages = new KeyValuePages(config, 2);
        using var pass = new InferencePass(model, pages);
        Assert.Throws<ArgumentException>(() => pass.Run([]));
        Assert.Throws<ArgumentException>(() => pass.Run([new(Array.Empty<int>(), 0, [0])]));
        Assert.Throws<ArgumentException>(() => pass.Run([new(new[] { 128 }, 0, [0])]));
        Assert.Throws<ArgumentException>(() => pass.Run([new(new[] { 1, 2 }, 15, [0])]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.Run([new(new[] { 1 }, 0, [2])]));
        pass.Run([new(new[] { 1 }, 0, [1])]);
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.Logits([1], new float[128]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.Logits([0], new float[127]));
    }

    private static void AssertSame(InferenceModel one, InferenceModel other)
    {
        var random = new Random(9);
        int[][] sequences = [.. new[] { 1, 3, 30, 9, 18 }.Select(length => InferenceRun.Ids(random, length, one.Config.VocabularySize))];
        foreach (var ids in sequences) Assert.Equal(InferenceRun.Alone(one, ids), InferenceRun.Alone(other, ids));
    }

    private static void AssertAsTraining(InferenceModel model, Func<ParameterMap, Tensor> read)
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        var (config, map) = (model.Config, new ParameterMap(model.Config, 1));
        using var training = new DecoderModel(map, read(map));
        var batch = TinyModel.Batch([40, 1, 17], config.VocabularySize, drop: 0);
        var expected = TinyModel.LogProbabilities(training, batch);
        var actual = new List<float>();
        var start = 0;
        foreach (var length in batch.SegmentLengths)
        {
            var ids = batch.Ids[start..(start + length)];
            var logits = InferenceRun.Alone(model, ids);
            for (var position = 0; position + 1 < length; position++)
            {
                var row = logits.AsSpan(position * config.VocabularySize, config.VocabularySize).ToArray();
                actual.Add((float)(row[ids[position + 1]] - Math.Log(row.Sum(logit => Math.Exp(logit)))));
            }
            start += length;
        }
        Assert.Equal(expected.Length, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.True(expected.Max() - expected.Min() > 2);
    }

    // Norms about 1, and exact in 16 bits; all others, biases too, about 0.
    private static unsafe void Export(string directory, ModelConfig config, string type) =>
        HuggingFaceExport.Write(directory, config, type, (name, shape, destination) =>
        {
            var key = RandomWeights.Key(7, name);
            var (mean, range) = name.Contains("norm") ? (1, 0.2) : (0, Range);
            var values = new Span<float>((float*)destination, (int)shape.Aggregate((product, size) => product * size));
            for (var index = 0; index < values.Length; index++) values[index] = (float)(mean + range * RandomWeights.Normal(key, (ulong)index));
            if (mean == 1)
                foreach (ref var value in values) value = MathF.Round(value * 64) / 64;
        }, []);
}
