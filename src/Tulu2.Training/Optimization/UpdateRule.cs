using TorchSharp;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Applies a step's gradient to the parameters: clipping and AdamW, with the learning rate of the schedule. Depends on the recipe and the step number only.
/// </summary>
/// <param name="threads">Threads for the update, disposed of together with the rule; null: the caller's thread only.</param>
/// <param name="segments">Schedules of a run whose recipe was changed; null or empty: the recipe's own.</param>
internal sealed class UpdateRule(Recipe recipe, int totalSteps, HostThreads? threads = null, IReadOnlyList<ScheduleSegment>? segments = null) : IDisposable
{
    private readonly FlatAdamW _optimizer = new(recipe.Optimizer);

    private readonly IReadOnlyList<ScheduleSegment> _segments = segments is { Count: > 0 } ? segments : [ScheduleSegment.Of(recipe, totalSteps)];

    /// <summary>Learning rate of step <paramref name="step"/>, counted from 1.</summary>
    public double LearningRate(int step) => ScheduleSegment.At(_segments, step - 1);

    /// <summary>
    /// Clips the gradient in place, and updates parameters and moments (the moments change even where the rate is 0). All four tensors are [length] fp32 and
    /// cover the same range of the flat order.
    /// </summary>
    /// <param name="norm">L2 norm of the whole model's gradient.</param>
    public void Apply(Tensor parameters, Tensor gradient, Tensor firstMoment, Tensor secondMoment, int step, double norm)
    {
        if (parameters.numel() == 0) return;
        var factor = GradientNorm.ClipFactor(norm, recipe.Optimizer.Clip);
        (threads ?? HostThreads.One).Run(parameters.numel(), (first, count) =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            Tensor Piece(Tensor whole) => whole.narrow(0, first, count);
            // Held until the call is over: TorchSharp would free it once it is collected.
            using var clip = factor.ToScalar();
            if (factor < 1) Piece(gradient).mul_(clip);
            _optimizer.Apply(Piece(parameters), Piece(gradient), Piece(firstMoment), Piece(secondMoment), step, LearningRate(step));
        });
    }

    public void Dispose() => threads?.Dispose();
}
