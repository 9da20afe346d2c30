using Tulu2.Collectives;
using Tulu2.Training.Planning;
using Tulu2.Training.Slots;
using Xunit;

namespace Tulu2.Tests.Training.Planning;

public sealed class GradientBuffersTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(16, 1)]
    [InlineData(16, 3)]
    [InlineData(7, 2)]
    [InlineData(32, 5)]
    public void Counts_the_buffers_that_held_gradients_really_rent(int slots, int replicas)
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
                held.Add(slot, gradient, [0]);
            }
            var left = held.Partials().Count;
            seen.Add(held.Rent().Handle);
            Assert.Equal((seen.Count, left), GradientBuffers.Of(slots, own, totalApart: false));
        }
    }
}
