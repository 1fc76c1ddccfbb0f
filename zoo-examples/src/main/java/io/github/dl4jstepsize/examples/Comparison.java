package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Trains one network with several updaters, from the same initial weights on the same batches. The updaters take turns
 * batch by batch, so that whatever slows the machine down hits all of them alike. After every epoch everything is
 * saved: an interrupted comparison goes on from there.
 */
final class Comparison {

    /** With very many short epochs, most of them end without a test. */
    private static final int TESTS_OF_EPOCHS = 200;
    /** Short epochs are not saved one by one. */
    private static final long SECONDS_BETWEEN_SAVES = 10;
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * What is compared; a comparison can only be resumed with the same settings, and with more epochs if no updater
     * depends on their number.
     */
    static final class Settings {
        public String workload;
        public List<String> updaters;
        public List<Long> seeds;
        public int batchSize;
        public int examples;
        public int epochs;
        public int testsPerEpoch = 4;

        boolean continues(Settings other) {
            return workload.equals(other.workload) && updaters.equals(other.updaters) && seeds.equals(other.seeds)
                    && batchSize == other.batchSize && examples == other.examples && testsPerEpoch == other.testsPerEpoch
                    && (epochs == other.epochs
                    || epochs > other.epochs && updaters.stream().noneMatch(Updaters::dependsOnLength));
        }

        @Override
        public String toString() {
            return "workload " + workload + ", updaters " + String.join(", ", updaters) + ", seeds " + seeds + ", batches of "
                    + batchSize + ", " + examples + " training examples, " + epochs + " epochs";
        }
    }

    public Settings settings;
    public String title;
    public String quality;
    public String device;
    public List<Result> results = new ArrayList<>();

    private Comparison() {
    }

    /** A new comparison. */
    Comparison(Settings settings, Workload workload) {
        this.settings = settings;
        this.title = workload.title;
        this.quality = workload.quality.title;
        this.device = Device.description();
        for (long seed : settings.seeds) {
            for (String updater : settings.updaters) {
                results.add(new Result(updater, seed));
            }
        }
    }

    /** The comparison in a directory, to be continued with the given settings. */
    static Comparison resume(Path directory, Settings settings) {
        Path file = jsonFile(directory);
        Comparison comparison;
        try {
            comparison = JSON.readValue(file.toFile(), Comparison.class);
        } catch (IOException e) {
            throw new InputException(file + " is broken", e);
        }
        if (!settings.continues(comparison.settings)) {
            throw new InputException(file + " belongs to another comparison: it has " + comparison.settings + "; asked for is "
                    + settings);
        }
        comparison.settings = settings;
        return comparison;
    }

    void run(Workload workload, TrainTest data, Path directory) {
        int batches = Batches.inOrder(data.train, settings.batchSize).count();
        for (long seed : settings.seeds) {
            List<Result> ofSeed = new ArrayList<>();
            results.stream().filter(result -> result.seed == seed).forEach(ofSeed::add);
            int firstEpoch = ofSeed.get(0).epochs;
            if (firstEpoch >= settings.epochs) {
                continue;
            }
            List<Contender> contenders = new ArrayList<>();
            for (Result result : ofSeed) {
                contenders.add(firstEpoch > 0 ? Contender.load(directory, result, settings.epochs * batches)
                        : Contender.fresh(workload, data, result, settings.epochs * batches));
            }
            long turns = (long) (settings.epochs - firstEpoch) * batches * contenders.size();
            try (ProgressBar bar = Progress.bar("seed " + seed, turns, " batches")) {
                long saved = Long.MIN_VALUE;
                for (int epoch = firstEpoch; epoch < settings.epochs; epoch++) {
                    Batches ofEpoch = Batches.shuffled(data.train, settings.batchSize, seed, epoch);
                    epoch(epoch, contenders, workload, data, ofEpoch, bar);
                    long now = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
                    if (epoch == firstEpoch || epoch == settings.epochs - 1 || now - saved >= SECONDS_BETWEEN_SAVES) {
                        save(contenders, directory);
                        saved = now;
                    }
                }
            }
        }
    }

    private void epoch(int epoch, List<Contender> contenders, Workload workload, TrainTest data, Batches batches,
                       ProgressBar bar) {
        int testEvery = Math.max(1, batches.count() / settings.testsPerEpoch);
        int epochsPerTest = Math.max(1, settings.epochs / TESTS_OF_EPOCHS);
        boolean testedInside = epochsPerTest == 1;
        boolean testedAtTheEnd = (epoch + 1) % epochsPerTest == 0 || epoch == settings.epochs - 1;
        contenders.forEach(Contender::startEpoch);
        List<Contender> turn = new ArrayList<>(contenders);
        for (int i = 1; batches.hasNext(); i++) {
            DataSet batch = batches.next();
            for (Contender contender : turn) {
                contender.fit(batch);
                bar.step();
                bar.setExtraMessage(contender.message());
            }
            // Whoever comes first has the batch in no cache; that must not be the same one every time.
            Collections.reverse(turn);
            boolean due = batches.hasNext() ? testedInside && i % testEvery == 0 && i + testEvery <= batches.count()
                    : testedAtTheEnd;
            if (due) {
                contenders.forEach(contender -> contender.test(workload.quality, data.train, data.test));
            }
        }
        contenders.forEach(Contender::endEpoch);
    }

    /** Networks first, then the results that refer to them, then the networks that are not referred to any more go. */
    private void save(List<Contender> contenders, Path directory) {
        contenders.forEach(contender -> contender.save(directory));
        new Report(this).write(directory);
        contenders.forEach(contender -> contender.deleteOlder(directory));
    }

    /** All results of an updater, one per seed, of the epochs that are complete. */
    List<Result> of(String updater) {
        List<Result> some = new ArrayList<>();
        results.stream().filter(result -> result.updater.equals(updater) && result.epochs > 0).forEach(some::add);
        return some;
    }

    /** The updater that times are compared with: plain gradient descent if it takes part, otherwise the first. */
    String timeReference() {
        return settings.updaters.stream().filter(name -> name.matches("sgd\\b.*")).findFirst()
                .orElse(settings.updaters.get(0));
    }

    String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    static boolean exists(Path directory) {
        return Files.exists(jsonFile(directory));
    }

    static Path jsonFile(Path directory) {
        return directory.resolve("results.json");
    }
}
