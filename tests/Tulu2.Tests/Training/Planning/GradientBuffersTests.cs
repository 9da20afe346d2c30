using Tulu2.Collectives;
using Tulu2.Training.Planning;
using Tulu2.Training.Steps;
using Xunit;

namespace Tulu2.Tests.Training.Planning;

public sealed class GradientBuffersTests
{
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(16, 1, false)]
    [InlineData(16, 3, false)]
    [InlineData(7, 2, false)]
    [InlineData(32, 5, false)]
    [InlineData(1, 1, true)]
    [InlineData(16, 1, true)]
    [InlineData(16, 3, true)]
    [InlineData(7, 2, true)]
    [InlineData(32, 5, true)]
    public void Counts_the_buffers_that_held_gradients_really_rent(int slots, int replicas, bool streams)
    {
        for (var replica = 0; replica < replicas; replica++)
        {
            var own = SlotAssignment.Range(slots, replicas, replica)!.Value;
            using var held = new HeldGradients(slots, 16);
            var seen = new HashSet<nint>();
            for (var slot = own.First; slot < own.End; slot++)
            {
                var gradient = held.Rent();
                seen.Add(gradient.Handle);
                if (streams && slot == own.End - 1)
                {
                    var total = held.Rent();
                    seen.Add(total.Handle);
                    held.Return(total);
                }
                held.Add(slot, gradient, [0]);
            }
            var left = held.Partials().Count;
            seen.Add(held.Rent().Handle);
            Assert.Equal((seen.Count, left), GradientBuffers.Of(slots, own, totalApart: false, streams));
        }
    }
}
