using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Training.Optimization;
using Tulu2.Training.State;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

public class SnapshotShareTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Ranks_together_write_every_row_once_in_about_equal_parts(int size)
    {
        var layout = new ParameterMap(GradientNormTests.Tiny, 4);
        var parts = Enumerable.Range(0, size).Select(rank => SnapshotShare.Of(layout, new ElementRange(0, layout.Length), rank, size)).ToArray();
        var rows = parts.SelectMany(part => part).SelectMany(part =>
            part.Slice.Size.Length == 1 ? [(part.Slice.Name, 0L)] : Enumerable.Range(0, (int)part.Slice.Size[0]).Select(row => (part.Slice.Name, part.Slice.Begin[0] + row))).ToArray();
        var expected = layout.Slices.SelectMany(slice =>
            slice.Slice.Size.Length == 1 ? [(slice.Slice.Name, 0L)] : Enumerable.Range(0, (int)slice.Slice.Size[0]).Select(row => (slice.Slice.Name, slice.Slice.Begin[0] + row)));
        Assert.Equal(expected.Order(), rows.Order());
        var total = layout.Slices.Sum(slice => slice.Slice.Length);
        Assert.All(parts, part => Assert.InRange(part.Sum(slice => slice.Slice.Length), total / size - 256, total / size + 256));
    }

    [Fact]
    public void A_row_of_a_share_lies_where_the_whole_slice_has_it()
    {
        var layout = new ParameterMap(GradientNormTests.Tiny, 4);
        foreach (var part in Enumerable.Range(0, 3).SelectMany(rank => SnapshotShare.Of(layout, new ElementRange(0, layout.Length), rank, 3)))
        {
            var whole = layout.Slices.Single(slice => slice.Slice.Name == part.Slice.Name && part.Offset >= slice.Offset && part.Offset < slice.Offset + slice.Slice.Length);
            Assert.Equal(whole.Offset + (part.Slice.Begin[0] - whole.Slice.Begin[0]) * whole.RowStride, part.Offset);
        }
    }
}
