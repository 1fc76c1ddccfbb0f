package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.AccuracySlsUpdater;
import io.github.dl4jstepsize.GolsUpdater;
import io.github.dl4jstepsize.L4Updater;
import io.github.dl4jstepsize.LabPalUpdater;
import io.github.dl4jstepsize.PalUpdater;
import io.github.dl4jstepsize.PlsUpdater;
import io.github.dl4jstepsize.SalsaUpdater;
import io.github.dl4jstepsize.SlsUpdater;
import io.github.dl4jstepsize.StepSizeUpdater;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The updaters by their names on the command line: ours, and DL4J's with their default learning rates. */
final class Updaters {

    /** The schedule's name behind a rate. */
    static final String LINEAR = "linear";
    private static final String SEPARATOR = "[=:]";

    private static final Map<String, Supplier<IUpdater>> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("labpal", LabPalUpdater::new);
        BY_NAME.put("labpal-sgd", () -> LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).build());
        BY_NAME.put("pal", PalUpdater::new);
        BY_NAME.put("sls", SlsUpdater::new);
        BY_NAME.put("sls-adam", () -> SlsUpdater.builder().base(new Adam()).build());
        BY_NAME.put("salsa", SalsaUpdater::new);
        BY_NAME.put("salsa-sgd", () -> SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build());
        BY_NAME.put("sa-sls", AccuracySlsUpdater::new);
        BY_NAME.put("l-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).build());
        BY_NAME.put("a-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.ACCURACY).build());
        BY_NAME.put("l4", () -> L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build());
        BY_NAME.put("l4-adam", L4Updater::new);
        BY_NAME.put("gols", GolsUpdater::new);
        BY_NAME.put("pls", PlsUpdater::new);
        BY_NAME.put("adam", Adam::new);
        BY_NAME.put("sgd", Sgd::new);
        BY_NAME.put("nesterovs", Nesterovs::new);
    }

    private Updaters() {
    }

    /**
     * @param name       a name in the table; DL4J's updaters may be followed by a learning rate, as in {@code sgd=0.1},
     *                   and by {@code :linear} for a rate that falls linearly to 0, as in {@code adam=0.001:linear}
     * @param iterations of the whole training, for those that depend on it
     * @throws InputException if there is no such updater
     */
    static IUpdater named(String name, int iterations) {
        String[] parts = name.split(SEPARATOR);
        Supplier<IUpdater> entry = BY_NAME.get(parts[0]);
        if (entry == null) {
            throw new InputException("there is no updater \"" + parts[0] + "\"; the updaters are "
                    + String.join(", ", BY_NAME.keySet()));
        }
        IUpdater updater = entry.get();
        for (String setting : List.of(parts).subList(1, parts.length)) {
            if (updater instanceof StepSizeUpdater) {
                throw new InputException("\"" + name + "\": this updater finds its step size itself, leave out \""
                        + setting + "\"");
            }
            if (setting.equals(LINEAR)) {
                double rate = updater.getLearningRate(0, 0);
                updater.setLrAndSchedule(Double.NaN, new LinearSchedule(rate, iterations));
            } else {
                updater.setLrAndSchedule(learningRate(name, setting), null);
            }
        }
        return updater;
    }

    /** @throws InputException if there is no updater of one of the names: better now than after another's training */
    static void check(Collection<String> names) {
        names.forEach(name -> named(name, 1));
    }

    private static double learningRate(String name, String text) {
        try {
            double learningRate = Double.parseDouble(text);
            if (learningRate > 0 && learningRate < Double.POSITIVE_INFINITY) {
                return learningRate;
            }
        } catch (NumberFormatException e) {
            throw new InputException("\"" + name + "\": \"" + text + "\" is neither a learning rate nor \"" + LINEAR
                    + "\"");
        }
        throw new InputException("the learning rate in \"" + name + "\" has to be greater than 0 and finite");
    }

    /** Whether what an updater does in an iteration depends on how many there will be. */
    static boolean dependsOnLength(String name) {
        return name.endsWith(":" + LINEAR);
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BY_NAME.keySet().iterator();
        }
    }
}
