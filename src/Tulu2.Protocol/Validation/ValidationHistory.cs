using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Validation;

/// <summary>
/// The values that a run's validations came to, by step. What follows from a validation is a function of the values up to it, so that a run that goes back and makes
/// steps again comes to the same decisions. Immutable.
/// </summary>
public sealed record ValidationHistory
{
    public static ValidationHistory Empty { get; } = new();

    private ImmutableSortedDictionary<StepNumber, double> Values { get; init; } = ImmutableSortedDictionary<StepNumber, double>.Empty;

    public bool Has(StepNumber step) => Values.ContainsKey(step);

    public double? Find(StepNumber step) => Values.TryGetValue(step, out var value) ? value : null;

    public ValidationHistory With(StepNumber step, double value) => this with { Values = Values.SetItem(step, value) };

    /// <summary>Without the validations of later steps.</summary>
    public ValidationHistory Until(StepNumber step) => this with { Values = Values.RemoveRange(Values.Keys.Where(validated => validated > step)) };

    /// <summary>What follows from the validations up to this step.</summary>
    public ValidationVerdict At(StepNumber step, ValidationRules rules)
    {
        (StepNumber Step, double Value)? best = null;
        var since = 0;
        foreach (var (validated, value) in Values)
        {
            if (validated > step) break;
            if (double.IsFinite(value) && (best is null || rules.IsBetter(value, best.Value.Value))) (best, since) = ((validated, value), 0);
            else since++;
        }
        return new ValidationVerdict(best?.Step, IsBest: best?.Step == step && Has(step), Stops: rules.Patience > 0 && since >= rules.Patience);
    }
}

/// <param name="Best">The step of the best validation so far, of equal ones the earliest; null: there is none with a finite value.</param>
/// <param name="IsBest">It is this one.</param>
/// <param name="Stops">The run's patience is at its end.</param>
public sealed record ValidationVerdict(StepNumber? Best, bool IsBest, bool Stops);
