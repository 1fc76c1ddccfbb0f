package io.github.dl4jstepsize.examples;

import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.node.ArrayNode;
import org.nd4j.shade.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A comparison as a table for the terminal, as CSV, as JSON and as a web page. */
final class Report {

    /** Points of a curve in the web page; more than a screen can show would only make the file large. */
    private static final int POINTS = 400;
    /** Losses and accuracies; four decimals say nothing of very small losses. */
    private static final String DIGITS = "%.4f";
    private static final double SMALL = 0.01;
    private static final String SMALL_DIGITS = "%.2e";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Comparison comparison;

    Report(Comparison comparison) {
        this.comparison = comparison;
    }

    /** Writes results.json, results.csv and report.html. */
    void write(Path directory) {
        Output.write(Comparison.jsonFile(directory), comparison.toJson());
        Output.write(directory.resolve("results.csv"), csv());
        Output.write(directory.resolve("report.html"), html());
    }

    /** Mean and standard deviation over the seeds. */
    String table() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("updater", "train loss", comparison.quality, "ms per batch", "time ratio", "extra forwards",
                "extra gradients"));
        for (String updater : comparison.settings.updaters) {
            List<String> row = new ArrayList<>(List.of(updater));
            row.addAll(figures(updater));
            rows.add(row);
        }
        StringBuilder table = new StringBuilder();
        for (List<String> row : rows) {
            for (int column = 0; column < row.size(); column++) {
                int end = column;
                int width = rows.stream().mapToInt(any -> any.get(end).length()).max().orElse(0);
                table.append(String.format("%-" + width + "s  ", row.get(column)));
            }
            table.append(System.lineSeparator());
        }
        for (Result result : comparison.results) {
            if (result.failure != null) {
                table.append(String.format("%s, seed %d, failed %s%n", result.updater, result.seed, result.failure));
            }
        }
        table.append("Mean +- standard deviation over the seeds. Train loss: mean over the last epoch's batches.\n"
                + "Time ratio: to " + comparison.timeReference() + " on the same batch, median.\n");
        return table.toString();
    }

    /** The columns of the table behind the updater's name. */
    private List<String> figures(String updater) {
        return List.of(summary(updater, DIGITS, Result::trainLoss), summary(updater, DIGITS, Result::finalQuality),
                summary(updater, "%.2f", result -> 1000 * result.medianSeconds()),
                summary(updater, "%.2f", this::timeRatio), summary(updater, "%.3f", Result::extraForwardPasses),
                summary(updater, "%.3f", Result::extraGradientPasses));
    }

    private double timeRatio(Result result) {
        return comparison.of(comparison.timeReference()).stream().filter(other -> other.seed == result.seed)
                .mapToDouble(result::timeRatio).findFirst().orElse(Double.NaN);
    }

    private String summary(String updater, String format, ToDoubleFunction<Result> figure) {
        double[] values = comparison.of(updater).stream().mapToDouble(figure).toArray();
        double mean = StatUtils.mean(values);
        String used = format.equals(DIGITS) && Math.abs(mean) < SMALL ? SMALL_DIGITS : format;
        String text = String.format(Locale.ROOT, used, mean);
        return values.length < 2 ? text
                : text + " +- " + String.format(Locale.ROOT, used, new StandardDeviation().evaluate(values));
    }

    private String csv() {
        StringBuilder csv = new StringBuilder("workload,updater,seed,epochs,iterations,train_loss,quality,test_quality,"
                + "median_ms_per_batch,time_ratio,total_seconds,extra_forwards_per_batch,extra_gradients_per_batch,"
                + "failure\n");
        for (Result result : comparison.results) {
            if (result.epochs > 0) {
                csv.append(String.format(Locale.ROOT, "%s,%s,%d,%d,%d,%.6g,%s,%.6g,%.4f,%.4f,%.3f,%.4f,%.4f,%s%n",
                        comparison.settings.workload, result.updater, result.seed, result.epochs, result.loss.size(),
                        result.trainLoss(), comparison.quality, result.finalQuality(), 1000 * result.medianSeconds(),
                        timeRatio(result), result.totalSeconds(), result.extraForwardPasses(),
                        result.extraGradientPasses(),
                        result.failure == null ? "" : '"' + result.failure.replace('"', '\'') + '"'));
            }
        }
        return csv.toString();
    }

    private String html() {
        try (InputStream template = Report.class.getResourceAsStream("/report.html")) {
            return new String(template.readAllBytes(), StandardCharsets.UTF_8)
                    // A script must not contain its own end tag.
                    .replace("/*DATA*/null", data().toString().replace("</", "<\\/"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ObjectNode data() {
        ObjectNode data = JSON.createObjectNode();
        data.put("title", comparison.title).put("quality", comparison.quality).put("device", comparison.device)
                .put("settings", comparison.settings.toString()).put("reference", comparison.timeReference());
        ArrayNode updaters = data.putArray("updaters");
        for (String updater : comparison.settings.updaters) {
            ObjectNode node = updaters.addObject();
            node.put("name", updater);
            figures(updater).forEach(node.putArray("table")::add);
            ArrayNode runs = node.putArray("runs");
            comparison.of(updater).forEach(result -> runs.add(curves(result)));
        }
        return data;
    }

    private static ObjectNode curves(Result result) {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode iterations = node.putArray("iteration");
        ArrayNode forwards = node.putArray("forwards");
        ArrayNode seconds = node.putArray("seconds");
        ArrayNode losses = node.putArray("loss");
        ArrayNode steps = node.putArray("step");
        double[] work = result.forwardEquivalents();
        double[] time = new double[work.length];
        double sum = 0;
        for (int i = 0; i < time.length; i++) {
            sum += result.seconds.get(i);
            time[i] = sum;
        }
        int width = (time.length + POINTS - 1) / POINTS;
        for (int start = 0; start < time.length; start += width) {
            int end = Math.min(start + width, time.length);
            iterations.add(end);
            forwards.add(work[end - 1]);
            seconds.add(rounded(time[end - 1]));
            losses.add(rounded(mean(result.loss.subList(start, end))));
            steps.add(rounded(mean(result.stepSize.subList(start, end))));
        }
        ArrayNode testIterations = node.putArray("testIteration");
        ArrayNode testForwards = node.putArray("testForwards");
        ArrayNode testSeconds = node.putArray("testSeconds");
        ArrayNode qualities = node.putArray("quality");
        for (int i = 0; i < result.testQuality.size(); i++) {
            int iteration = result.testIterations.get(i);
            testIterations.add(iteration);
            testForwards.add(work[iteration - 1]);
            testSeconds.add(rounded(time[iteration - 1]));
            qualities.add(rounded(result.testQuality.get(i)));
        }
        return node;
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    /** Null where JSON has no number for it; five digits are more than a screen can show. */
    private static Double rounded(double value) {
        return Double.isFinite(value) ? Double.valueOf(String.format(Locale.ROOT, "%.5g", value)) : null;
    }
}
