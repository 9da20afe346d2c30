using System.Text.Json;
using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>Generation with a cache, against whole passes and against an independent fp64 implementation.</summary>
public sealed class DecodingTests
{
    [SkippableFact]
    public void A_trained_checkpoint_s_greedy_ids_and_logits_are_the_reference_s()
    {
        var folder = ReferenceData.Require("tinystories656K_hf");
        using var scope = NewDisposeScope();
        var config = HuggingFaceModel.ReadConfig(folder);
        using var reference = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "reference_greedy.json")));
        var runs = reference.RootElement.GetProperty("runs").EnumerateArray().ToArray();
        var prompts = runs.Select(run => Ids(run, "prompt_ids")).ToArray();
        var expected = runs.Select(run => Ids(run, "greedy_ids")).ToArray();
        var top5 = runs.Select(run => run.GetProperty("top5_logits_per_step").EnumerateArray().ToArray()).ToArray();
        foreach (var shards in (int[])[1, 4])
        {
            TorchRuntime.Initialize();
            var layout = new ParameterMap(config, shards);
            var weights = zeros([layout.Length]);
            unsafe { HuggingFaceModel.ReadWeights(folder, layout, (nint)Aten.Address<float>(weights)); }
            using var model = new DecoderModel(layout, weights);
            using var session = new DecodingSession(model, runs.Length, 256);
            var ids = prompts.Select(prompt => prompt.ToList()).ToArray();
            var logits = session.Prefill(prompts);
            for (var step = 0; ; step++)
            {
                var next = new int[session.Count];
                for (var row = 0; row < next.Length; row++)
                {
                    next[row] = (int)logits[row].argmax().ToInt64();
                    if (step >= top5[row].Length) continue;
                    foreach (var entry in top5[row][step].EnumerateArray())
                        Assert.Equal(entry[1].GetDouble(), logits[row, entry[0].GetInt32()].ToSingle(), 1e-3);
                    ids[row].Add(next[row]);
                }
                if (step + 1 == top5.Max(steps => steps.Length)) break;
                logits = session.Step(next);
            }
            for (var row = 0; row < ids.Length; row++) Assert.Equal(expected[row], ids[row]);
        }

        static int[] Ids(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.03)]
    public void Stepping_gives_the_logits_of_a_whole_pass(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        using var session = new DecodingSession(model, 3, 40);
        var random = new Random(3);
        List<int>[] rows = [.. ((int[])[7, 1, 12]).Select(length => Enumerable.Range(0, length).Select(_ => random.Next(128)).ToList())];
        Check(session.Prefill([.. rows.Select(row => row.ToArray())]), rows);
        for (var step = 0; step < 6; step++)
        {
            if (step == 3)
            {
                session.Remove([1]);
                rows = [rows[0], rows[2]];
            }
            if (step == 4)
            {
                rows = [.. rows, [5, 9, 2]];
                Check(session.Prefill([[5, 9, 2]]), rows[2..]);
            }
            int[] next = [.. rows.Select(_ => random.Next(128))];
            for (var row = 0; row < rows.Length; row++) rows[row].Add(next[row]);
            Check(session.Step(next), rows);
        }
        Assert.Equal(rows.Select(row => row.Count), session.Lengths);

        void Check(Tensor logits, List<int>[] sequences)
        {
            using var fresh = new DecodingSession(model, sequences.Length, 40);
            Assert.InRange(TinyModel.Difference(logits, fresh.Prefill([.. sequences.Select(row => row.ToArray())])), 0, tolerance);
        }
    }

    [Fact]
    public void A_sequence_s_logits_do_not_depend_on_its_neighbours()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 2);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout));
        using DecodingSession alone = new(model, 1, 40), among = new(model, 9, 40);
        Assert.Equal(
            TinyModel.Hash(alone.Prefill([[3, 1, 4, 1, 5]])),
            TinyModel.Hash(among.Prefill([[9, 2], [3, 1, 4, 1, 5], [6], [5, 3, 5, 8, 9], [7], [9]])[1]));
        Assert.Equal(TinyModel.Hash(alone.Step([9])), TinyModel.Hash(among.Step([2, 9, 5, 6, 7, 8])[1]));
    }

    [Fact]
    public void Tensor_operations_decode_as_the_vector_code_does()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        var weights = TinyModel.Weights(layout);
        var heads = new HeadGeometry(layout.Config, 4);
        using var model = new DecoderModel(layout, weights);
        using var other = new DecoderModel(layout, weights, false, AllShardsHere.Instance, new TorchKernels(heads, new RotaryTable(16, 10000, 8)));
        using DecodingSession session = new(model, 3, 20), otherSession = new(other, 3, 20);
        int[][] prompts = [[1, 2, 3], [4], [5, 6]];
        Assert.InRange(TinyModel.Difference(otherSession.Prefill(prompts), session.Prefill(prompts)), 0, 1e-5);
        session.Remove([0]);
        otherSession.Remove([0]);
        Assert.InRange(TinyModel.Difference(otherSession.Step([7, 8]), session.Step([7, 8])), 0, 1e-5);
        Assert.InRange(TinyModel.Difference(otherSession.Step([9, 7]), session.Step([9, 7])), 0, 1e-5);
    }

    [Fact]
    public void Logits_are_those_of_tokens_only()
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(vocabulary: 70);
        ParameterMap padded = new(config, 4), plain = new(config, 1);
        using DecoderModel model = new(padded, TinyModel.Weights(padded)), other = new(plain, TinyModel.Weights(plain));
        using DecodingSession session = new(model, 2, 20), otherSession = new(other, 2, 20);
        Assert.Equal([2, 70], session.Prefill([[1, 2, 3], [69]]).shape);
        otherSession.Prefill([[1, 2, 3], [69]]);
        Assert.InRange(TinyModel.Difference(session.Step([4, 5]), otherSession.Step([4, 5])), 0, 1e-5);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 2);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout));
        using var session = new DecodingSession(model, 2, 4);
        Assert.Throws<ArgumentException>(() => session.Prefill([[]]));
        Assert.Throws<ArgumentException>(() => session.Prefill([[1, 2, 3, 4, 5]]));
        Assert.Throws<ArgumentException>(() => session.Prefill([[1], [1], [1]]));
        session.Prefill([[1, 2, 3, 4]]);
        Assert.Throws<ArgumentException>(() => session.Step([1, 2]));
        Assert.Throws<InvalidOperationException>(() => session.Step([1]));
    }
}
