using Tulu2.Data.Python;

namespace Tulu2.Mixtures.Selection;

/// <summary>
/// Shuffles all records and takes the first ones, as the original does for OpenOrca. A file of which none is taken still moves the random stream.
/// </summary>
internal sealed class ShuffleRule : SampleRule
{
    protected override int[] Draw(int records, int chosen, PythonRandom random)
    {
        var numbers = Enumerable.Range(0, records).ToArray();
        random.Shuffle<int>(numbers);
        return numbers[..chosen];
    }
}
