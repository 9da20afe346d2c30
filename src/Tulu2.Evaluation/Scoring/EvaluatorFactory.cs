using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Makes evaluators that score with models loaded from disk.</summary>
/// <param name="maxBatch">Most prompts that one evaluator answers at once.</param>
public sealed class EvaluatorFactory(int maxBatch = 32) : IEvaluatorFactory
{
    public IEvaluator Create() => new Evaluator(maxBatch);

    /// <summary>Keeps the last model and the last file, since neighbouring tasks share them.</summary>
    private sealed class Evaluator(int maxBatch) : IEvaluator
    {
        private LoadedModel? _model;
        private (string Kind, string File, object Rows)? _rows;

        public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation) => task.Kind switch
        {
            EvaluationKind.ExactMatch => ExactMatchScorer.Score(
                task, Part(task, () => EvaluationRows.Messages(task.File).Rows), new TextGenerator(ModelOf(task), maxBatch), cancellation),
            EvaluationKind.Preference => PreferenceScorer.Score(task, Part(task, () => EvaluationRows.Preferences(task.File).Rows), ModelOf(task), cancellation),
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

        private IReadOnlyList<TRow> Part<TRow>(EvaluationTask task, Func<IReadOnlyList<TRow>> read)
        {
            if (_rows is not { } held || held.Kind != task.Kind || held.File != task.File) _rows = held = (task.Kind, task.File, read());
            var rows = (IReadOnlyList<TRow>)held.Rows;
            if (task.First < 0 || task.Count < 1 || task.First + task.Count > rows.Count)
                throw new BadInputException(task.File, $"has {rows.Count} usable rows, not rows {task.First} to {task.First + task.Count - 1}", "plan the evaluation again: the file has changed");
            return [.. rows.Skip(task.First).Take(task.Count)];
        }
    }
}
