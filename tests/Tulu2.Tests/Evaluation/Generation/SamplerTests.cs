using FsCheck.Xunit;
using Tulu2.Evaluation.Generation;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

public class SamplerTests
{
    // Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1.
    private static readonly float[] Logits = [MathF.Log(0.1f), MathF.Log(0.4f), MathF.Log(0.2f), MathF.Log(0.3f)];

    [Fact]
    public void Temperature_zero_takes_the_likeliest_and_the_lowest_id_among_equals()
    {
        Assert.Equal(1, Sampler.Choose(Logits, 0, 1, 0.99));
        Assert.Equal(1, Sampler.Choose([0, 2, 2, 1], 0, 1, 0.99));
    }

    [Theory]
    [InlineData(0.00, 0)]
    [InlineData(0.09, 0)]
    [InlineData(0.11, 1)]
    [InlineData(0.49, 1)]
    [InlineData(0.51, 2)]
    [InlineData(0.69, 2)]
    [InlineData(0.71, 3)]
    [InlineData(0.9999999, 3)]
    public void A_draw_falls_by_the_running_sum_of_probabilities(double uniform, int id) => Assert.Equal(id, Sampler.Choose(Logits, 1, 1, uniform));

    [Theory]
    [InlineData(0.4, 0.99, 1)]       // The likeliest reaches 0.4 alone.
    [InlineData(0.39, 0.99, 1)]
    [InlineData(0.69, 0.56, 1)]      // {1, 3} with 4/7 and 3/7: 0.56 is below 0.5714.
    [InlineData(0.69, 0.58, 3)]
    [InlineData(0.89, 0.95, 2)]      // {1, 3, 2} with 4/9, 3/9, 2/9.
    [InlineData(0.95, 0.95, 0)]      // All four, in the order 1, 3, 2, 0.
    public void Top_p_draws_from_the_smallest_set_that_reaches_it(double topP, double uniform, int id) =>
        Assert.Equal(id, Sampler.Choose(Logits, 1, topP, uniform));

    [Theory]
    [InlineData(1, 1, 0.99, 1)]
    [InlineData(2, 1, 0.57, 1)]        // {1, 3} with 4/7 and 3/7, in this order.
    [InlineData(2, 1, 0.58, 3)]
    [InlineData(3, 1, 0.99, 2)]
    [InlineData(9, 1, 0.09, 0)]        // All of them, in the order of their ids.
    [InlineData(3, 0.7, 0.56, 1)]      // The nucleus of {1, 3, 2} at 4/9, 3/9, 2/9 is {1, 3}.
    [InlineData(3, 0.7, 0.99, 3)]
    public void Top_k_draws_from_that_many_likeliest_and_top_p_from_their_nucleus(int topK, double topP, double uniform, int id) =>
        Assert.Equal(id, Sampler.Choose(Logits, 1, topP, uniform, topK));

    [Fact]
    public void Among_equals_top_k_keeps_the_lower_ids() =>
        Assert.All(Enumerable.Range(0, 100), i => Assert.InRange(Sampler.Choose([1, 0, 1, 1, 0], 1, 1, i / 100.0, topK: 2), 0, 2));

    [Property]
    public bool A_nucleus_is_that_of_the_ordered_vocabulary(int seed, double uniform)
    {
        var random = new Random(seed);
        var logits = Enumerable.Range(0, 200).Select(_ => (float)(random.Next(40) * random.NextDouble())).ToArray();
        var (topP, draw) = (1 - random.NextDouble() * random.NextDouble(), Math.Abs(uniform % 1));
        if (double.IsNaN(draw)) draw = 0.5;
        var largest = logits.Max();
        var ordered = logits.Select((logit, id) => (Weight: Math.Exp(logit - (double)largest), id)).OrderByDescending(pair => pair.Weight).ThenBy(pair =>
            pair.id).ToList();
        var (mass, sum, size) = (topP * logits.Sum(logit => Math.Exp(logit - (double)largest)), 0.0, 0);
        while (size < ordered.Count && (size == 0 || sum < mass)) sum += ordered[size++].Weight;
        var (point, running) = (draw * sum, 0.0);
        var expected = ordered.Take(size).First(pair => (running += pair.Weight) > point || pair == ordered[size - 1]).id;
        return Sampler.Choose(logits, 1, topP, draw) == expected;
    }

    [Fact]
    public void Temperature_flattens_and_sharpens()
    {
        // At temperature 0.5 the weights are the squares: 0.01, 0.16, 0.04, 0.09 of 0.30.
        Assert.Equal(0, Sampler.Choose(Logits, 0.5, 1, 0.033));
        Assert.Equal(1, Sampler.Choose(Logits, 0.5, 1, 0.034));
        Assert.Equal(1, Sampler.Choose(Logits, 0.5, 1, 0.566));
        Assert.Equal(2, Sampler.Choose(Logits, 0.5, 1, 0.567));
        Assert.Equal(1, Sampler.Choose(Logits, 1e-6, 1, 0.999));
    }

    [Fact]
    public void A_forbidden_token_is_never_drawn()
    {
        Assert.Equal(1, Sampler.Choose([float.NegativeInfinity, 0, float.NegativeInfinity], 1, 1, 0));
        Assert.Equal(1, Sampler.Choose([float.NegativeInfinity, 0, float.NegativeInfinity], 1, 0.999, 0.9999999));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Broken_logits_are_an_error(float broken)
    {
        Assert.Throws<ArithmeticException>(() => Sampler.Choose([0, broken, 1], 0, 1, 0));
        Assert.Throws<ArithmeticException>(() => Sampler.Choose([0, broken, 1], 1, 0.5, 0));
    }

    [Property]
    public bool Uniform_numbers_are_in_range_and_repeatable(long seed, ushort index) =>
        SeededUniform.At(seed, index) is >= 0 and < 1 and var number && number == SeededUniform.At(seed, index);

    [Fact]
    public void Uniform_numbers_are_those_of_splitmix()
    {
        // The reference implementation seeded with 1234567 gives 6457827717110365317 and 3203168211198807973 first.
        Assert.Equal((6457827717110365317UL >> 11) / 9007199254740992.0, SeededUniform.At(1234567, 0));
        Assert.Equal((3203168211198807973UL >> 11) / 9007199254740992.0, SeededUniform.At(1234567, 1));
    }
}
