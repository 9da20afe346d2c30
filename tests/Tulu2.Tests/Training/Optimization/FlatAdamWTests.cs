using System.Collections.Concurrent;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Optimization;

public class FlatAdamWTests
{
    private static readonly OptimizerRecipe Recipe = new() { WeightDecay = 0.1 };

    [Fact]
    public void The_fused_kernel_is_there() => Assert.True(FusedAdamW.IsAvailable);

    [Fact]
    public void The_fused_kernel_follows_the_formula_and_both_follow_double_arithmetic()
    {
        using var scope = NewDisposeScope();
        const int n = 1000;
        float[] start = Draw(1, n), expected = [.. start];
        double[] p = [.. start.Select(x => (double)x)], m = new double[n], v = new double[n];
        var fused = State(start);
        var plain = State(start);
        var optimizer = new FlatAdamW(Recipe);
        for (var step = 1; step <= 7; step++)
        {
            var gradient = Draw(100 + step, n);
            var rate = 0.01 / step;
            optimizer.Apply(fused[0], tensor(gradient), fused[1], fused[2], step, rate);
            optimizer.ApplyByFormula(plain[0], tensor(gradient), plain[1], plain[2], step, rate);
            for (var i = 0; i < n; i++)
            {
                p[i] *= 1 - rate * Recipe.WeightDecay;
                m[i] = Recipe.Beta1 * m[i] + (1 - Recipe.Beta1) * gradient[i];
                v[i] = Recipe.Beta2 * v[i] + (1 - Recipe.Beta2) * gradient[i] * gradient[i];
                p[i] -= rate * (m[i] / (1 - Math.Pow(Recipe.Beta1, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(Recipe.Beta2, step))) + Recipe.Epsilon);
            }
        }
        foreach (var state in new[] { fused, plain })
        {
            Assert.True(Largest(state[0], p) < 1e-6);
            Assert.True(Largest(state[1], m) < 1e-6);
            Assert.True(Largest(state[2], v) < 1e-6);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Bits_do_not_depend_on_the_number_of_threads(int threads)
    {
        using var scope = NewDisposeScope();
        const int n = 400_000 + 7;
        var recipe = new Recipe { Optimizer = Recipe with { Clip = 1 }, Schedule = new() { Warmup = 0 } };
        float[] start = Draw(1, n), gradient = Draw(2, n);
        Tensor[] one = State(start), several = State(start);
        using UpdateRule alone = new(recipe, 10), shared = new(recipe, 10, new HostThreads(threads));
        for (var step = 1; step <= 3; step++)
        {
            alone.Apply(one[0], tensor(gradient), one[1], one[2], step, 2.5);
            shared.Apply(several[0], tensor(gradient), several[1], several[2], step, 2.5);
        }
        for (var i = 0; i < one.Length; i++) Assert.Equal(one[i].data<float>().ToArray(), several[i].data<float>().ToArray());
        Assert.NotEqual(start, one[0].data<float>().ToArray());
    }

    [Fact]
    public void What_a_thread_throws_is_thrown_once_all_are_done()
    {
        using var threads = new HostThreads(4);
        var done = 0;
        var thrown = Assert.Throws<AggregateException>(() => threads.Run(1 << 20, (first, _) =>
        {
            if (first > 0) throw new InvalidOperationException("no");
            Interlocked.Increment(ref done);
        }));
        Assert.Equal((1, 3), (done, thrown.InnerExceptions.Count));
    }

    [Fact]
    public void Every_step_has_the_threads_of_the_first()
    {
        using var threads = new HostThreads(3);
        HashSet<int> Run()
        {
            var seen = new ConcurrentBag<int>();
            threads.Run(1 << 20, (_, _) => seen.Add(Environment.CurrentManagedThreadId));
            return [.. seen];
        }
        var first = Run();
        Assert.Equal(3, first.Count);
        for (var step = 0; step < 20; step++) Assert.Equal(first, Run());
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(640)]
    public void Bits_do_not_depend_on_cuts_at_multiples_of_16(int width)
    {
        using var scope = NewDisposeScope();
        const int n = 4096 + 16;
        float[] start = Draw(1, n), gradient = Draw(2, n);
        var whole = State(start);
        var cut = State(start);
        var optimizer = new FlatAdamW(Recipe);
        for (var step = 1; step <= 3; step++)
        {
            optimizer.Apply(whole[0], tensor(gradient), whole[1], whole[2], step, 0.01);
            var gradient_N = tensor(gradient);
            for (var at = 0; at < n; at += width)
            {
                var length = Math.Min(width, n - at);
                optimizer.Apply(cut[0].narrow(0, at, length), gradient_N.narrow(0, at, length), cut[1].narrow(0, at, length), cut[2].narrow(0, at, length), step, 0.01);
            }
        }
        for (var buffer = 0; buffer < 3; buffer++) Assert.Equal(whole[buffer].data<float>().ToArray(), cut[buffer].data<float>().ToArray());
    }

    [Fact]
    public void Moments_advance_where_the_rate_is_zero_and_parameters_do_not()
    {
        using var scope = NewDisposeScope();
        var start = Draw(1, 64);
        var state = State(start);
        new FlatAdamW(Recipe).Apply(state[0], tensor(Draw(2, 64)), state[1], state[2], 1, 0);
        Assert.Equal(start, state[0].data<float>().ToArray());
        Assert.All(state[2].data<float>().ToArray(), value => Assert.True(value > 0));
    }

    private static Tensor[] State(float[] parameters) => [tensor((float[])parameters.Clone()), zeros(parameters.Length), zeros(parameters.Length)];

    private static float[] Draw(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    private static double Largest(Tensor tensor, double[] expected) => tensor.data<float>().ToArray().Zip(expected, (a, b) => Math.Abs(a - b)).Max();
}
