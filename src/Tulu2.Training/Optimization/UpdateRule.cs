using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Optimization;

/// <summary>How a step's gradient changes the parameters: schedule, clipping and AdamW, all of them functions of the recipe and the step's number.</summary>
/// <param name="threads">For the update; disposed with the rule. Null: the caller's own thread only.</param>
/// <param name="segments">Schedules of a run whose recipe was changed; none: the recipe's own.</param>
internal sealed class UpdateRule(Recipe recipe, int totalSteps, HostThreads? threads = null, IReadOnlyList<ScheduleSegment>? segments = null) : IDisposable
{
    private readonly FlatAdamW _optimizer = new(recipe.Optimizer);

    private readonly IReadOnlyList<ScheduleSegment> _segments = segments is { Count: > 0 } ? segments : [ScheduleSegment.Of(recipe, totalSteps)];

    /// <summary>Rate of the update that makes step <paramref name="step"/> (from 1).</summary>
    public double LearningRate(int step) => ScheduleSegment.At(_segments, step - 1);

    /// <summary>
    /// Clips the gradient in place and updates parameters and moments (which also advance where the rate is 0). All are the same part of the model's flat order.
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
            if (factor < 1) Piece(gradient).mul_(factor);
            _optimizer.Apply(Piece(parameters), Piece(gradient), Piece(firstMoment), Piece(secondMoment), step, LearningRate(step));
        });
    }

    public void Dispose() => threads?.Dispose();
}
