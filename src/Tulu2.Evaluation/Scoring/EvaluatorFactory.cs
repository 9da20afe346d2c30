using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Makes evaluators that score with models loaded from disk.</summary>
/// <param name="maxBatch">Most prompts that one evaluator answers at once.</param>
/// <param name="limits">Those that the tasks were planned with.</param>
public sealed class EvaluatorFactory(int maxBatch = 32, EvaluationLimits? limits = null) : IEvaluatorFactory
{
    public IEvaluator Create() => new Evaluator(maxBatch, limits ?? new EvaluationLimits());

    /// <summary>Keeps the last model and the last file, since neighbouring tasks share them.</summary>
    private sealed class Evaluator(int maxBatch, EvaluationLimits limits) : IEvaluator
    {
        private LoadedModel? _model;
        private (string Kind, string File, string Source, object Rows)? _rows;

        public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation) => task.Kind switch
        {
            EvaluationKind.ExactMatch => ExactMatchScorer.Score(
                task, Part(task, room => EvaluationRows.Messages(task.File, limits, room).Rows), new TextGenerator(ModelOf(task), maxBatch), limits.MaxTokens, cancellation),
            EvaluationKind.Preference => PreferenceScorer.Score(
                task, Part(task, room => EvaluationRows.Preferences(task.File, limits, room).Rows), ModelOf(task), cancellation),
            _ => throw new BadInputException(task.Kind, "is no kind of evaluation", $"give {EvaluationKind.ExactMatch} or {EvaluationKind.Preference}"),
        };

        public void Dispose()
        {
            _model?.Dispose();
            _model = null;
        }

        private LoadedModel ModelOf(EvaluationTask task)
        {
            if (_model?.Directory == task.Model) return _model;
            Dispose();
            return _model = LoadedModel.Load(task.Model);
        }

        // Which rows are too long depends on the model, and where they are left out the numbers of the others do.
        private IReadOnlyList<TRow> Part<TRow>(EvaluationTask task, Func<RowRoom?, IReadOnlyList<TRow>> read)
        {
            var source = limits.SkipLong ? task.Model : "";
            if (_rows is not { } held || held.Kind != task.Kind || held.File != task.File || held.Source != source)
                _rows = held = (task.Kind, task.File, source, read(limits.SkipLong ? new RowRoom(ModelOf(task).Chat) : null));
            var rows = (IReadOnlyList<TRow>)held.Rows;
            if (task.First < 0 || task.Count < 1 || task.First + task.Count > rows.Count)
                throw new BadInputException(task.File, $"has {rows.Count} usable rows, not rows {task.First} to {task.First + task.Count - 1}", "plan the evaluation again: the file has changed");
            return [.. rows.Skip(task.First).Take(task.Count)];
        }
    }
}
