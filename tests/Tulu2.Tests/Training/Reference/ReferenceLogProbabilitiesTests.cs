using Tulu2.Training.Reference;
using Xunit;

namespace Tulu2.Tests.Training.Reference;

public sealed class ReferenceLogProbabilitiesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tulu2-reference-").FullName;
    private readonly string _key = ReferenceLogProbabilities.Key("weights", "store", "bf16", 4, "libtorch 2.10");

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public void What_was_written_is_read_back_to_the_last_bit()
    {
        float[] values = [-1.5f, -2.25f, -100.00001f, float.Epsilon, -0f, 3e38f];
        new ReferenceLogProbabilities(values).Write(_directory, _key);
        var read = ReferenceLogProbabilities.TryOpen(_directory, _key, 3)!;
        Assert.Equal(3, read.Pairs);
        for (var pair = 0; pair < 3; pair++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(values[2 * pair]), BitConverter.SingleToInt32Bits(read[pair].Chosen));
            Assert.Equal(BitConverter.SingleToInt32Bits(values[2 * pair + 1]), BitConverter.SingleToInt32Bits(read[pair].Rejected));
        }
    }

    [Fact]
    public void A_damaged_file_of_any_kind_is_as_good_as_none()
    {
        new ReferenceLogProbabilities([-1, -2]).Write(_directory, _key);
        var path = ReferenceLogProbabilities.FileOf(_directory, _key);
        var whole = File.ReadAllBytes(path);
        for (var at = 0; at < whole.Length; at++)
        {
            var broken = (byte[])whole.Clone();
            broken[at] ^= 0x10;
            File.WriteAllBytes(path, broken);
            Assert.Null(ReferenceLogProbabilities.TryOpen(_directory, _key, 1));
        }
        File.WriteAllBytes(path, whole[..^1]);
        Assert.Null(ReferenceLogProbabilities.TryOpen(_directory, _key, 1));
        File.WriteAllBytes(path, whole);
        Assert.NotNull(ReferenceLogProbabilities.TryOpen(_directory, _key, 1));
    }

    [Fact]
    public void Another_key_or_another_number_of_pairs_finds_nothing()
    {
        new ReferenceLogProbabilities([-1, -2]).Write(_directory, _key);
        Assert.Null(ReferenceLogProbabilities.TryOpen(_directory, ReferenceLogProbabilities.Key("weights", "store", "bf16", 2, "libtorch 2.10"), 1));
        Assert.Null(ReferenceLogProbabilities.TryOpen(_directory, _key, 2));
    }

    [Fact]
    public void A_pair_that_was_not_scored_is_refused_where_it_is_asked_for()
    {
        var values = new ReferenceLogProbabilities([-1, -2, -3, float.NaN]);
        Assert.Equal((true, false), (values.Has(0), values.Has(1)));
        Assert.Contains("pair 1", Assert.Throws<InvalidOperationException>(() => values[1]).Message);
        Assert.Contains("pair 1", Assert.Throws<ArgumentException>(() => new ReferenceLogProbabilities([-1, -2, float.NegativeInfinity, -3])).Message);
    }

    [Fact]
    public async Task Runs_that_add_at_the_same_time_lose_nothing()
    {
        const int runs = 12;
        await Task.WhenAll(Enumerable.Range(0, runs).Select(run => Task.Run(() =>
        {
            var values = Enumerable.Repeat(float.NaN, 2 * runs).ToArray();
            (values[2 * run], values[2 * run + 1]) = (run, -run);
            ReferenceLogProbabilities.Add(_directory, _key, values);
        })));
        var all = ReferenceLogProbabilities.TryOpen(_directory, _key, runs)!;
        Assert.All(Enumerable.Range(0, runs), run => Assert.Equal((run, -run), all[run]));
    }
}
